import type { Broker, ResultBackend } from '../../broker/broker.js';
import type { ScheduleStore } from '../../broker/schedule-store.js';
import { StemClosedError } from '../../core/errors.js';
import { newTaskId, partitionFor } from '../../core/task-id.js';

/** Calls a method in the main thread. */
export type RemoteCall = (method: string, args: readonly unknown[]) => Promise<unknown>;

/**
 * A broker as an isolated thread sees it: each call is carried out in the main thread, by the broker
 * that the worker uses. So threads need no connection of their own, and `memory://` is one and the same
 * memory for all of them.
 */
export function remoteBroker(
  call: RemoteCall,
  callSchedules: RemoteCall,
  partitions: number,
): Broker {
  const own: Partial<Broker> = {
    ...LOCAL,
    // Listeners cannot be passed to another thread.
    control: undefined,
    // What happens in a thread is told by the main thread.
    monitor: undefined,
    // Those of the Stem, wherever it keeps them.
    schedules: remote<ScheduleStore>(
      {
        ...LOCAL,
        holdsTask: () => true,
        watch: () => Promise.reject(new StemClosedError(NO_ACTOR)),
      },
      callSchedules,
    ),
    now: () => Date.now(),
    newTaskId: (key) =>
      newTaskId(
        key === undefined ? Math.floor(Math.random() * partitions) : partitionFor(key, partitions),
      ),
    openConsumer: () => Promise.reject(new StemClosedError(NO_ACTOR)),
  };
  return remote<Broker>(own, call);
}

/** A result backend as an isolated thread sees it. */
export function remoteResultBackend(call: RemoteCall): ResultBackend {
  return remote<ResultBackend>(LOCAL, call);
}

const NO_ACTOR = 'No worker and no Beat can run in the thread of an isolated task.';

/** Connections belong to the main thread, which opens and closes them. */
const LOCAL = {
  description: 'the main thread',
  connect: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

/** What `own` has, and for everything else a call. */
function remote<T extends object>(own: Partial<T>, call: RemoteCall): T {
  const methods = new Map<string, (...args: readonly unknown[]) => Promise<unknown>>();
  return new Proxy(own, {
    get(target, key) {
      if (typeof key !== 'string' || key in target) return Reflect.get(target, key) as unknown;
      // A broker is no promise, though it may be awaited, and Nest asks for its own hooks.
      if (key === 'then' || key.startsWith('on')) return undefined;
      let method = methods.get(key);
      if (!method) methods.set(key, (method = (...args) => call(key, args)));
      return method;
    },
  }) as T;
}
