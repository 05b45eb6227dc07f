/** Loads a module of either format. */
export declare function importNative(specifier: string): Promise<Record<string, unknown>>;

/** File that threads of isolated tasks run. */
export declare const threadEntry: string;
