import { Injectable } from '@nestjs/common';
import { OnSignal, type SignalPayloads } from 'nestjs-stem';
import { Meter } from './meter.js';

@Injectable()
export class Metrics {
  constructor(private readonly meter: Meter) {}

  @OnSignal('taskSucceeded', { task: 'email.send' })
  sent({ task, durationMs }: SignalPayloads['taskSucceeded']): void {
    this.meter.record('email_duration_ms', task.name, durationMs);
  }

  @OnSignal('taskPostrun')
  ended({ task, outcome }: SignalPayloads['taskPostrun']): void {
    this.meter.record('tasks_ended', `${task.name} ${outcome}`, 1);
  }
}
