export class AppModule {}
export declare const histogram: { observe(labels: object, value: number): void };
export declare const counter: { increment(labels: object): void };
export declare const gauge: { set(value: number): void };
