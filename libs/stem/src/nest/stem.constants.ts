import 'reflect-metadata';
import type { SignalFilter, SignalName } from '../core/signals.js';
import type { TaskOptions } from '../core/task-options.js';
import type { ScheduleOptions } from '../schedule/definition.js';
import type { ScheduleSpec } from '../schedule/spec.js';

/** Keys under which decorators leave word for the explorer; equal in every copy of this package. */
export const TASK_METADATA = Symbol.for('nestjs-stem:task');
export const SIGNAL_METADATA = Symbol.for('nestjs-stem:signal');
export const SCHEDULE_METADATA = Symbol.for('nestjs-stem:schedule');

/** What `@Task` leaves on a method or class. Checked at boot, where the place can be named. */
export interface TaskMetadata {
  readonly name: string;
  readonly options: TaskOptions;
}

/** What `@Schedule` leaves on a method or class. */
export interface ScheduleMetadata {
  readonly spec: ScheduleSpec;
  readonly options: ScheduleOptions;
}

/** What `@OnSignal` leaves on a method. */
export interface SignalMetadata {
  readonly name: SignalName;
  readonly filter: SignalFilter;
  readonly stem: string | undefined;
}

/** Leaves one more entry on a class or function, which may carry several. */
export function addMetadata(key: symbol, entry: object, target: object): void {
  const entries = (Reflect.getOwnMetadata(key, target) as readonly object[] | undefined) ?? [];
  // Decorators are applied from the bottom up; people read from the top down.
  Reflect.defineMetadata(key, [entry, ...entries], target);
}

/** The entries that {@link addMetadata} left. */
export function readMetadata<T extends object>(key: symbol, target: object): readonly T[] {
  return (Reflect.getMetadata(key, target) as readonly T[] | undefined) ?? [];
}
