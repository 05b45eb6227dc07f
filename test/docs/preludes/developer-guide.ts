import { defineTask } from 'nestjs-stem';

export interface SentEmail {
  readonly messageId: string;
}
export const SendEmail = defineTask<{ recipient: string }, SentEmail>('email.send');
export class EmailTasks {}
export class SignUps {}
export class AppModule {}
export class WorkerModule {}
export class SettingsModule {}
export class Settings {
  readonly redisUrl: string = '';
}
export declare function deleteOldRows(): Promise<void>;
