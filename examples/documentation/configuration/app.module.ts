import { Module } from '@nestjs/common';
import { StemModule } from 'nestjs-stem';
import { ReportTasks } from './report.tasks.js';

@Module({
  imports: [
    StemModule.forRoot({
      namespace: 'shop',
      resultTtl: '12h',
      worker: { queues: ['default', 'reports'], concurrency: 20, drainTimeout: '50s' },
    }),
  ],
  providers: [ReportTasks],
})
export class AppModule {}
