import { Module } from '@nestjs/common';
import { StemModule } from 'nestjs-stem';
import { connections } from '../connections.js';
import { GREETINGS } from '../greeting.js';
import { GreetingTasks } from './greeting.tasks.js';
import { TaskLog } from './task-log.js';

@Module({
  imports: [StemModule.forRoot({ ...connections, worker: { queues: [GREETINGS] } })],
  providers: [GreetingTasks, TaskLog],
})
export class WorkerModule {}
