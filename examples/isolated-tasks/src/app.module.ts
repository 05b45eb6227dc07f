import { Module } from '@nestjs/common';
import { StemModule } from 'nestjs-stem';
import { NumberTasks } from './number.tasks.js';

@Module({
  imports: [
    // Threads load this file, so it must not start anything by itself.
    StemModule.forRoot({ worker: { isolation: { module: import.meta.url, threads: 1 } } }),
  ],
  providers: [NumberTasks],
})
export class AppModule {}
