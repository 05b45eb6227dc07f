/** What is used of cli-progress. */
export declare class SingleBar {
  constructor(options: {
    readonly format: string;
    readonly stream: NodeJS.WriteStream;
    readonly hideCursor: boolean;
    readonly clearOnComplete: boolean;
  });
  start(total: number, startValue: number): void;
  update(value: number): void;
  stop(): void;
}
