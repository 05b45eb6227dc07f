import { Injectable, Logger } from '@nestjs/common';
import { OnSignal, type SignalPayloads } from 'nestjs-stem';

/** Says how tasks ended, for all handlers in one place. */
@Injectable()
export class TaskLog {
  readonly #log = new Logger(TaskLog.name);

  @OnSignal('taskSucceeded')
  succeeded({ task, durationMs }: SignalPayloads['taskSucceeded']): void {
    this.#log.log(`${task.name} ${task.id}: succeeded in ${Math.round(durationMs)} ms`);
  }

  @OnSignal('taskFailed')
  failed({ task, failure }: SignalPayloads['taskFailed']): void {
    this.#log.error(`${task.name} ${task.id}: gave up: ${failure.name}: ${failure.message}`);
  }
}
