export declare function transcode(path: string): Promise<string>;
export declare function deleteOldRows(): Promise<void>;
export declare function pollPartner(): Promise<void>;
export declare function deliver(recipient: string, signal: AbortSignal): Promise<string>;
export class ConnectionError extends Error {}
