import { Module } from '@nestjs/common';
import { StemModule } from 'nestjs-stem';
import { EmailTasks } from './email.tasks.js';
import { InvoiceTasks } from './invoice.tasks.js';

@Module({
  imports: [
    StemModule.forRoot({ broker: 'redis://redis.example.com:6379' }),
    StemModule.forRoot({ name: 'billing', broker: 'redis://billing.example.com:6379' }),
  ],
  providers: [EmailTasks, InvoiceTasks],
})
export class AppModule {}
