import { defineTask } from 'nestjs-stem';
import type { StemTester } from 'nestjs-stem/testing';

export { Test } from '@nestjs/testing';
export { StemTester, StemTestingModule } from 'nestjs-stem/testing';

export class AppModule {}
export declare const tester: StemTester;
export const SendEmail = defineTask<{ recipient: string }, { messageId: string }>('email.send');
