import { Module } from '@nestjs/common';
import { StemModule } from 'nestjs-stem';

@Module({
  imports: [StemModule.forRoot({ monitor: false })], // or STEM_MONITOR=false
})
export class SilentModule {}

@Module({
  imports: [StemModule.forRoot({ monitor: { events: false } })], // heartbeats and metrics, no events
})
export class WithoutEventsModule {}
