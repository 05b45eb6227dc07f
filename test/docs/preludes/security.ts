export declare function renderTo(path: string): Promise<void>;
