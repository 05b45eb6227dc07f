/** This package's version; a test compares it with package.json, which cannot be read at run time in every module format. */
export const VERSION = '0.1.0';
