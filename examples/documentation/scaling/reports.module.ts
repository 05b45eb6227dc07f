import { Module } from '@nestjs/common';
import { StemModule } from 'nestjs-stem';

@Module({
  imports: [
    StemModule.forRoot({ worker: { queues: ['reports'], concurrency: 4, prefetchMultiplier: 1 } }),
  ],
})
export class ReportsWorkerModule {}
