import { defineTask } from 'nestjs-stem';

export const SendEmail = defineTask<{ recipient: string }, { messageId: string }>('email.send');
export declare const id: string;
export declare const yesterday: Date;
