import { Module } from '@nestjs/common';
import { StemModule } from 'nestjs-stem';
import { ImportTasks } from './import.tasks.js';
import { MailTasks } from './mail.tasks.js';

@Module({
  imports: [
    StemModule.forRoot({ broker: 'redis://one:6379' }),
    StemModule.forRoot({
      name: 'imports',
      broker: 'redis://two:6379',
      worker: { concurrency: 50 },
    }),
  ],
  providers: [ImportTasks, MailTasks],
})
export class AppModule {}
