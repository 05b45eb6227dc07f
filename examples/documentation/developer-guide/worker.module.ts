import { Module } from '@nestjs/common';
import { StemModule } from 'nestjs-stem';
import { EmailTasks } from './email.tasks.js';

@Module({
  imports: [
    StemModule.forRoot({
      broker: 'redis://localhost:6379/0',
      worker: { queues: ['default'], concurrency: 20 },
    }),
  ],
  providers: [EmailTasks],
})
export class WorkerModule {}
