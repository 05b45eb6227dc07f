export declare const outageBegan: Date;
