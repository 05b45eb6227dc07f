import type { Beat } from '../beat/beat.js';
import type { StemClient } from '../client/stem-client.js';
import type { ResolvedStemConfig } from '../config/resolved-config.js';
import type { StemOptions } from '../config/stem-options.js';
import type { SignalBus } from '../core/signals.js';
import type { TaskObservers } from '../core/task-observer.js';
import type { TaskRegistry } from '../core/task-registry.js';

/**
 * The token of a {@link StemHarness}; the same in every copy of this package. Whoever provides one in a
 * global module has the Stems of that application in hand.
 */
export const STEM_HARNESS = Symbol.for('nestjs-stem:harness');

/** The parts of a Stem that a harness works with. */
export interface HarnessedStem {
  readonly config: ResolvedStemConfig;
  readonly client: StemClient;
  readonly registry: TaskRegistry;
  readonly signals: SignalBus;
  readonly observers: TaskObservers;
}

/**
 * Takes the Stems of an application over, for tests: it says where their tasks live, and makes their time
 * pass. Isolated tasks run in the process itself then.
 */
export interface StemHarness {
  /** The configuration of a Stem, made of what its module says. */
  configure(options: StemOptions): ResolvedStemConfig;
  /** Told of each Stem as soon as it is made. */
  attach(stem: HarnessedStem): void;
  /** Told of the Beat of a Stem, whose rounds are the harness's business from now on. */
  attachBeat(stem: string, beat: Beat): void;
}
