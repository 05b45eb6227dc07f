import type { Broker, ResultBackend } from '../../broker/broker.js';

/** What the application in an isolated thread shares with the main thread. */
export interface ThreadLink {
  /** The main thread's broker of a Stem. */
  broker(stem: string, partitions: number): Broker;
  /** The main thread's result backend of a Stem. */
  resultBackend(stem: string): ResultBackend;
}

/** Equal in every copy of this package: a thread may load two, one per module format. */
const KEY = Symbol.for('nestjs-stem:thread-link');

/** Present in a thread that runs isolated tasks, and nowhere else. */
export function threadLink(): ThreadLink | undefined {
  return (globalThis as Record<symbol, unknown>)[KEY] as ThreadLink | undefined;
}

/** Tells every Stem of this thread that it is in one. */
export function setThreadLink(link: ThreadLink): void {
  (globalThis as Record<symbol, unknown>)[KEY] = link;
}
