import { setTimeout as delay } from 'node:timers/promises';

/** What a handler does. */
export type Work =
  /** Nothing. */
  | 'noop'
  /** Waits for {@link IO_MS}, like a call to another service. */
  | 'io'
  /** Keeps the processor busy for {@link CPU_MS}. */
  | 'cpu'
  /** Every other task throws in its first try. */
  | 'fail-half'
  /** Returns a text of {@link RESULT_BYTES}. */
  | 'result';

/** What the tasks of a scenario are like, and where they wait. */
export interface Load {
  readonly work: Work;
  /** Over how many queues they are spread, */
  readonly queues: number;
  /** beginning with this one. */
  readonly firstQueue: number;
  /** Whether their priorities go from 0 to 9 in turn. */
  readonly priorities: boolean;
  /** Size of their arguments, as JSON. */
  readonly payloadBytes: number;
  /** Whether Stem tells operators what it does, as it does by default. */
  readonly monitor: boolean;
}

export const PLAIN: Load = {
  work: 'noop',
  queues: 1,
  firstQueue: 0,
  priorities: false,
  payloadBytes: 100,
  monitor: true,
};

export const IO_MS = 5;
export const CPU_MS = 1;
export const RESULT_BYTES = 10_240;

/** How much a handler that computes does between two looks at the clock: some microseconds of it. */
const TURNS_PER_LOOK = 2_000;

const RESULT = 'r'.repeat(RESULT_BYTES);

/** Name of a queue by its number. */
export function queueName(index: number): string {
  return `bench-${index}`;
}

/** All queues of a load. */
export function queueNames({ firstQueue, queues }: Load): string[] {
  return Array.from({ length: queues }, (_, index) => queueName(firstQueue + index));
}

/**
 * What the handlers of a warm-up do: those that take their time do nothing instead, since otherwise the measurement
 * would be over before the code around them has been called often enough to be compiled.
 */
export function warmUpWorkOf(work: Work): Work {
  return work === 'io' || work === 'cpu' ? 'noop' : work;
}

/**
 * The same handler for every contender.
 *
 * @param onDone told of each task that is done; not of a try that fails.
 * @returns the handler; it is told whether this is the task's first try.
 */
export function createHandler(
  work: Work,
  onDone: () => void,
): (isFirstTry: boolean) => Promise<unknown> {
  switch (work) {
    case 'noop':
      return async () => onDone();
    case 'io':
      return async () => {
        await delay(IO_MS);
        onDone();
      };
    case 'cpu':
      return async () => {
        const end = performance.now() + CPU_MS;
        // A look at the clock allocates, and whose garbage is collected when is not the question here.
        for (let sum = 0; performance.now() < end; sum &= 1) {
          for (let turn = 0; turn < TURNS_PER_LOOK; turn++) sum = (sum * 31 + turn) | 0;
        }
        onDone();
      };
    case 'fail-half': {
      let tries = 0;
      return async (isFirstTry) => {
        if (isFirstTry && tries++ % 2 === 0) throw new Error('The first try fails.');
        onDone();
      };
    }
    case 'result':
      return async () => {
        onDone();
        return RESULT;
      };
  }
}
