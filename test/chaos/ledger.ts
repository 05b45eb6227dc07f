import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** What a task of the chaos test is expected to do; its handler follows from it. */
export const TASK_KINDS = [
  'quick',
  'slow',
  'long',
  'flaky',
  'doomed',
  'progress',
  'large',
  'parent',
  'child',
  'limited',
  'unique',
  'delayed',
  'expiring',
  'cancelled',
] as const;

export type TaskKind = (typeof TASK_KINDS)[number];

/** One line of the ledger. Times are of the monotonic clock, which all processes of a host share. */
export type Entry = { readonly process: string; readonly atMs: number } & (
  | { readonly event: 'accepted'; readonly id: string; readonly kind: TaskKind; readonly n: number }
  /** Tasks are about to be enqueued together: all of them or none. */
  | { readonly event: 'offered'; readonly ids: readonly string[] }
  | {
      readonly event: 'started';
      readonly id: string;
      readonly kind: TaskKind;
      readonly attempt: number;
      readonly deliveries: number;
    }
  | { readonly event: 'ended'; readonly id: string }
  | { readonly event: 'ready' }
  /** A fault point was passed for the first time by this process. */
  | { readonly event: 'passed'; readonly point: string }
  /** The process ends itself at a fault point. */
  | { readonly event: 'died'; readonly point: string }
);

type Fact = Entry extends infer E ? (E extends Entry ? Omit<E, 'process' | 'atMs'> : never) : never;

/** Milliseconds of the monotonic clock that all processes of this host share; `Date` may be moved. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

/**
 * What one process saw, in a file of its own outside of Redis: each line is one write at the end of the
 * file, which survives whatever happens to the process a moment later.
 */
export class Ledger {
  readonly #process: string;
  readonly #file: number;

  constructor(folder: string, processName: string) {
    this.#process = processName;
    this.#file = openSync(join(folder, `${processName}.ledger`), 'a');
  }

  write(fact: Fact): void {
    const entry = { process: this.#process, atMs: monotonicMs(), ...fact };
    writeSync(this.#file, `${JSON.stringify(entry)}\n`);
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** Everything that was written in a folder of ledgers, in the order of time. */
export function readLedgers(folder: string): Entry[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.ledger'))
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'))
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Entry)
    .sort((a, b) => a.atMs - b.atMs);
}
