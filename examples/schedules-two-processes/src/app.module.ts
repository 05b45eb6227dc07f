import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { StemModule } from 'nestjs-stem';
import { Housekeeping } from './housekeeping.js';

@Module({
  imports: [
    ScheduleModule.forRoot(),
    // All that is new. The broker comes from STEM_BROKER_URL.
    StemModule.forRoot({ beat: { adoptNestSchedule: true } }),
  ],
  providers: [Housekeeping],
})
export class AppModule {}
