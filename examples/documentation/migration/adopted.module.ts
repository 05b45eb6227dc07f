import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { StemModule } from 'nestjs-stem';
import { Jobs } from './jobs.before.js';

@Module({
  imports: [ScheduleModule.forRoot(), StemModule.forRoot({ beat: { adoptNestSchedule: true } })],
  providers: [Jobs],
})
export class AppModule {}
