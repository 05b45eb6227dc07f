import { Module } from '@nestjs/common';
import { StemModule } from 'nestjs-stem';

@Module({
  imports: [
    StemModule.forRoot({
      worker: {
        queues: ['default', 'reports'],
        concurrency: 20,
        prefetchMultiplier: 2,
        visibilityTimeout: '30s',
        drainTimeout: '25s',
      },
    }),
  ],
})
export class WorkerModule {}
