import type { MonitorEvent, StemEventType } from '../broker/monitor-store.js';
import type { ObservedTask } from '../core/task-observer.js';

/** Room for the numbers of so many events is made at first; it is doubled when it is used up. */
const FIRST_ROOM = 256;

/**
 * Events that tell of tasks and nothing more, in columns that are used again. There are three for each task, and
 * they wait for up to an interval: as objects they would be most of what a garbage collection finds alive in an
 * otherwise idle process, and has to copy while a task waits. A list that begins anew each time would make V8
 * compile its users anew, too: it begins as one of small numbers, whatever it holds in the end.
 */
export class TaskEvents {
  #count = 0;
  readonly #types: StemEventType[] = [];
  readonly #ids: string[] = [];
  readonly #names: string[] = [];
  readonly #queues: string[] = [];
  readonly #workers: string[] = [];
  #attempts = new Float64Array(FIRST_ROOM);
  #times = new Float64Array(FIRST_ROOM);
  #durationsMs = new Float64Array(FIRST_ROOM);

  get count(): number {
    return this.#count;
  }

  /**
   * @param worker empty for none.
   * @param durationMs NaN for none.
   */
  add(
    type: StemEventType,
    at: number,
    task: ObservedTask,
    worker: string,
    durationMs: number,
  ): void {
    const index = this.#count++;
    if (index === this.#times.length) this.#makeRoom();
    this.#types[index] = type;
    this.#ids[index] = task.id;
    this.#names[index] = task.name;
    this.#queues[index] = task.queue;
    this.#workers[index] = worker;
    this.#attempts[index] = task.attempt;
    this.#times[index] = at;
    this.#durationsMs[index] = durationMs;
  }

  /** Hands out all, the oldest first, and begins anew. */
  take(): MonitorEvent[] {
    const events: MonitorEvent[] = [];
    for (let index = 0; index < this.#count; index++) {
      events.push(this.#eventAt(index));
      // Ids would be kept for nothing.
      this.#ids[index] = '';
    }
    this.#count = 0;
    return events;
  }

  #makeRoom(): void {
    this.#attempts = doubled(this.#attempts);
    this.#times = doubled(this.#times);
    this.#durationsMs = doubled(this.#durationsMs);
  }

  #eventAt(index: number): MonitorEvent {
    const worker = this.#workers[index] as string;
    const durationMs = this.#durationsMs[index] as number;
    return {
      type: this.#types[index] as StemEventType,
      at: this.#times[index] as number,
      task: {
        id: this.#ids[index] as string,
        name: this.#names[index] as string,
        queue: this.#queues[index] as string,
        attempt: this.#attempts[index] as number,
      },
      ...(worker === '' ? {} : { worker }),
      ...(Number.isNaN(durationMs) ? {} : { durationMs }),
    };
  }
}

function doubled(numbers: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(numbers.length * 2);
  larger.set(numbers);
  return larger;
}
