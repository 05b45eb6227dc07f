import { Module } from '@nestjs/common';
import { StemModule } from 'nestjs-stem';
import { EmailTasks } from './email.tasks.js';

@Module({
  imports: [StemModule.forRoot({ broker: 'redis://localhost:6379/0', namespace: 'shop' })],
  providers: [EmailTasks],
})
export class RedisModule {}
