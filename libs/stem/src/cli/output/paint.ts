import type { styleText } from 'node:util';

/** A colour or another style of `util.styleText`. */
export type Style = Parameters<typeof styleText>[0];

/** Colours a text, where there are colours. */
export type Paint = (style: Style, text: string) => string;
