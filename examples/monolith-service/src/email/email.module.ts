import { Module } from '@nestjs/common';
import { settings } from '../settings.js';
import { EmailController } from './email.controller.js';
import { EmailTasks } from './email.tasks.js';
import { FolderMailer, Mailer, SmtpMailer } from './mailer.js';

@Module({
  controllers: [EmailController],
  providers: [
    EmailTasks,
    {
      provide: Mailer,
      useFactory: () =>
        settings.smtpUrl === undefined
          ? new FolderMailer(settings.mailDir)
          : new SmtpMailer(settings.smtpUrl),
    },
  ],
})
export class EmailModule {}
