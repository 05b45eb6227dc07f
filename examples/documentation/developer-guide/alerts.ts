import { Injectable } from '@nestjs/common';
import { OnSignal, type SignalPayloads } from 'nestjs-stem';

@Injectable()
export class Alerts {
  @OnSignal('taskFailed')
  failed({ task, reason, failure }: SignalPayloads['taskFailed']): void {
    console.error(`${task.name} ${task.id} gave up (${reason}): ${failure.message}`);
  }
}
