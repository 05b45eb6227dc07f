export declare const outageBegan: Date;
export declare const metrics: {
  gauge(name: string, value: number, labels: Record<string, string>): void;
};
