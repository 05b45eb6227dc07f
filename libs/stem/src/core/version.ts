/** Of this package. A test compares it with package.json, which no module format can simply read. */
export const VERSION = '0.1.0';
