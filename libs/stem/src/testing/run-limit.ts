import { requireCount } from '../core/task-options.js';
import { StemTestingError } from './testing-error.js';

/** Runs that may follow from each other without time passing, unless a test says otherwise. */
export const DEFAULT_RUN_LIMIT = 1_000;

/** Counts runs, and ends what would go on for ever. */
export class RunLimit {
  readonly #limit: number;
  readonly #runsByTask = new Map<string, number>();
  #count = 0;

  /** @throws {StemConfigError} unless it is a number of runs, from 1. */
  constructor(limit = DEFAULT_RUN_LIMIT) {
    this.#limit = requireCount(limit, 'limit', 1, Number.MAX_SAFE_INTEGER);
  }

  get count(): number {
    return this.#count;
  }

  /**
   * Counts a run that is about to begin.
   *
   * @throws {StemTestingError} when it is one too many; it is put back then.
   */
  async add(run: { readonly name: string; putBack(): Promise<void> }): Promise<void> {
    if (this.#count >= this.#limit) {
      await run.putBack();
      const most = [...this.#runsByTask].sort((a, b) => b[1] - a[1]).slice(0, 3);
      throw new StemTestingError(
        `${this.#limit} tasks ran, and there is still one to run: '${run.name}'. Most of them were ` +
          `${most.map(([name, count]) => `'${name}' (${count})`).join(', ')}. Either a task enqueues ` +
          `itself again and again without a delay, or this is right and needs a higher \`limit\`.`,
        { taskName: run.name },
      );
    }
    this.#count++;
    this.#runsByTask.set(run.name, (this.#runsByTask.get(run.name) ?? 0) + 1);
  }
}
