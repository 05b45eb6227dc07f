export declare const taskIds: string[];
