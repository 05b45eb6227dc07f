/** What is used of yaml: reads a text, JSON included. Throws an error that names the line. */
export declare function parse(text: string): unknown;
