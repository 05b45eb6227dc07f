import type { LoggerService } from '@nestjs/common';
import type { SignalBus, SignalledTask } from '../../core/signals.js';
import { roughly, visible } from './text.js';

type Signals = Pick<SignalBus, 'on'>;

/** A log line for what becomes of each task; the library itself logs those that give up. */
export function narrateTasks(signals: Signals, log: LoggerService): void {
  const line = (task: SignalledTask, what: string, durationMs: number, why = ''): string =>
    visible(`${task.name} ${task.id} ${what} after ${roughly(durationMs)}${why && `: ${why}`}`);
  signals.on('taskSucceeded', ({ task, durationMs }) =>
    log.log(line(task, 'succeeded', durationMs)),
  );
  signals.on('taskRetry', ({ task, durationMs, failure, delayMs }) => {
    const why = `${failure.name}: ${failure.message}`;
    log.warn(`${line(task, 'failed', durationMs, why)}; again in ${roughly(delayMs)}`);
  });
  signals.on('taskRevoked', ({ task, durationMs, reason }) => {
    log.warn(line(task, 'was stopped', durationMs, reason));
  });
}

/** A log line for each tick. */
export function narrateTicks(signals: Signals, log: LoggerService): void {
  signals.on('scheduleEntryDispatched', ({ scheduleId, scheduledFor, task, driftMs }) => {
    log.log(
      visible(
        `${scheduleId}: enqueued ${task.name} ${task.id} for ${scheduledFor.toISOString()}, ` +
          `${roughly(driftMs)} late`,
      ),
    );
  });
}
