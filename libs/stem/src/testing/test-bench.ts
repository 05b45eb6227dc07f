import type { OnApplicationShutdown } from '@nestjs/common';
import type { Beat } from '../beat/beat.js';
import type { ResolvedStemConfig } from '../config/resolved-config.js';
import { DEFAULT_STEM_NAME } from '../config/resolve-options.js';
import type { StemOptions } from '../config/stem-options.js';
import { StemClosedError } from '../core/errors.js';
import { isTerminal } from '../core/task-state.js';
import type { HarnessedStem, StemHarness } from '../nest/stem-harness.js';
import { nextTurn, shortPause } from './next-turn.js';
import { RunLimit } from './run-limit.js';
import { TestedStem } from './tested-stem.js';
import type { HandOut } from './testing-consumer.js';
import { StemTestingError } from './testing-error.js';
import { configureForTest, type ResolvedTestingOptions } from './testing-options.js';
import { VirtualClock } from './virtual-clock.js';

/** What is due, taken from one of the Stems. */
interface Taken {
  readonly name: string;
  handOut(): Promise<HandOut>;
  putBack(): Promise<void>;
}

/** The Stems of an application under test, and the time that passes for all of them. */
export class TestBench implements StemHarness, OnApplicationShutdown {
  readonly clock: VirtualClock;
  readonly options: ResolvedTestingOptions;
  readonly #stems = new Map<string, TestedStem>();
  /** Grows with everything that may be followed by something else. */
  #changes = 0;
  #onChange = new Set<() => void>();
  /** Who waits for the end of some task. */
  #waiting = 0;
  readonly #onWaiting = new Set<() => void>();
  #inlineRuns = new RunLimit();
  #inlineCalls = 0;
  /** The last of those that let time pass or drain: they take turns. */
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;
  readonly #attached = new Map<string, (stem: HarnessedStem) => void>();
  readonly #awaited = new Map<string, Promise<HarnessedStem>>();

  constructor(options: ResolvedTestingOptions) {
    this.options = options;
    this.clock = new VirtualClock(options.startsAt);
  }

  configure(given: StemOptions): ResolvedStemConfig {
    const name = given.name ?? DEFAULT_STEM_NAME;
    const { mode, stem: over } = this.options;
    const stem: TestedStem = new TestedStem(name, {
      clock: this.clock,
      namespace: over.namespace ?? given.namespace ?? 'stem',
      retriesAtOnce: mode === 'inline',
      watcher: {
        opened: () => this.#opened(),
        accepted: () => this.#changed(),
        changed: () => this.#changed(),
        enqueued: (ids) => (mode === 'inline' ? this.#runInline(stem, ids) : Promise.resolve()),
        waits: (id) => this.#waits(stem, id),
      },
    });
    const config = configureForTest(given, over, stem.broker);
    // Two of one name are refused by the Stems themselves.
    if (!this.#stems.has(name)) this.#stems.set(name, stem);
    return config;
  }

  attach(stem: HarnessedStem): void {
    const { name } = stem.config;
    this.#stems.get(name)?.attach(stem);
    void this.whenAttached(name);
    this.#attached.get(name)?.(stem);
  }

  attachBeat(name: string, beat: Beat): void {
    this.#stems.get(name)?.attachBeat(beat);
  }

  /** The Stem of this name, once it is made. */
  whenAttached(name: string): Promise<HarnessedStem> {
    let awaited = this.#awaited.get(name);
    if (!awaited) {
      awaited = new Promise((resolve) => this.#attached.set(name, resolve));
      this.#awaited.set(name, awaited);
    }
    return awaited;
  }

  async onApplicationShutdown(): Promise<void> {
    this.#closed = true;
    this.#changed();
    await Promise.all([...this.#stems.values()].map(({ broker }) => broker.close()));
  }

  /**
   * A Stem by its name; without one, the one that the application would inject by its type.
   *
   * @throws {StemTestingError} when there is none.
   */
  stem(name?: string): TestedStem {
    const wanted = name ?? this.options.name ?? DEFAULT_STEM_NAME;
    const found = this.#stems.get(wanted);
    if (found) return found;
    const names = [...this.#stems.keys()];
    const [only] = this.#stems.values();
    if (name === undefined && this.options.name === undefined && only && names.length === 1) {
      return only;
    }
    throw new StemTestingError(
      names.length === 0
        ? 'The application has no Stem yet: compile the testing module first.'
        : `There is no Stem '${wanted}'; there are ${names.join(', ')}.`,
    );
  }

  /** Runs everything that is due, and what follows from it. Returns how many runs that were. */
  drain(limit: number): Promise<number> {
    if (this.options.mode === 'fake') {
      throw new StemTestingError(
        "In mode 'fake' tasks never run; tester.run() runs a single one, modes 'drain' and 'inline' run " +
          'what is enqueued.',
      );
    }
    return this.#inTurn(async () => {
      const runs = new RunLimit(limit);
      await this.#moment(runs);
      return runs.count;
    });
  }

  /** Lets time pass up to `until`, and everything happen that comes due, in its order. */
  advance(until: number, limit: number): Promise<number> {
    return this.#inTurn(async () => {
      let count = 0;
      for (;;) {
        const runs = new RunLimit(limit);
        const nextAt = await this.#moment(runs);
        count += runs.count;
        if (this.clock.now() >= until) return count;
        this.clock.moveTo(Math.min(nextAt, until));
      }
    });
  }

  /** Forgets what was enqueued, and every task that does not run. */
  async clear(): Promise<void> {
    for (const stem of this.#stems.values()) {
      stem.journal.clear();
      await stem.broker.clear();
    }
  }

  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    // Throws where nothing could run.
    for (const stem of this.#stems.values()) void stem.consumer;
    const turn = this.#turn.then(action);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /**
   * Everything that happens without time passing.
   *
   * @returns when something happens next.
   */
  async #moment(runs: RunLimit): Promise<number> {
    for (;;) {
      this.#requireOpen();
      const changes = this.#changes;
      let nextAt = Infinity;
      for (const stem of this.#stems.values()) {
        nextAt = Math.min(nextAt, await stem.carryOutSchedules());
        await stem.settleDue();
      }
      if (this.options.mode !== 'fake') await this.#runDue(runs);
      if (this.#changes !== changes) continue;
      for (const { broker } of this.#stems.values()) {
        nextAt = Math.min(nextAt, broker.nextDueAt() ?? Infinity);
      }
      return nextAt;
    }
  }

  /** One task at a time; more only while somebody waits for the end of one. */
  async #runDue(runs: RunLimit): Promise<void> {
    for (;;) {
      this.#requireOpen();
      const { held } = this;
      if (held > this.#waiting) {
        await this.#change();
        await this.#listenersDone();
        continue;
      }
      const changes = this.#changes;
      const taken = await this.#takeNext();
      if (taken) {
        await runs.add(taken);
        await taken.handOut();
        continue;
      }
      if (this.#changes !== changes) continue;
      if (this.held > 0) await this.#change();
      else if (await this.#isIdle()) return;
    }
  }

  /** Whether nothing comes after what has happened: listeners are done, and have enqueued nothing. */
  async #isIdle(): Promise<boolean> {
    const changes = this.#changes;
    await this.#listenersDone();
    return this.#changes === changes;
  }

  async #takeNext(): Promise<Taken | undefined> {
    for (const stem of this.#stems.values()) {
      const delivery = await stem.takeNext();
      if (!delivery) continue;
      return {
        name: delivery.envelope.name,
        handOut: () => stem.handOut(delivery),
        putBack: () => stem.consumer.putBack(delivery),
      };
    }
    return undefined;
  }

  /** Runs tasks that were just enqueued, in their order, and their retries. */
  async #runInline(stem: TestedStem, ids: readonly string[]): Promise<void> {
    // Enqueued while the application boots: they run when its worker is there.
    if (!stem.broker.consumer || stem.broker.consumer.isStopped) return;
    this.#inlineCalls++;
    try {
      for (;;) {
        this.#requireOpen();
        const changes = this.#changes;
        const taken = await this.#takeNext();
        if (taken) {
          await this.#inlineRuns.add(taken);
          await this.#settledOrWaiting(await taken.handOut());
          continue;
        }
        if (this.#changes !== changes) continue;
        const states = await stem.consumer.whileNobodyTakes(() =>
          Promise.all(ids.map(async (id) => (await stem.broker.find(id))?.state)),
        );
        if (!states.includes('running')) return;
        if (this.#changes === changes) await this.#change();
      }
    } finally {
      if (--this.#inlineCalls === 0) this.#inlineRuns = new RunLimit();
    }
  }

  #opened(): void {
    if (this.options.mode !== 'inline') return;
    for (const stem of this.#stems.values()) {
      // What goes wrong here is seen by whoever drains.
      void this.#runInline(stem, []).catch(() => undefined);
    }
  }

  async #waits(stem: TestedStem, id: string): Promise<() => void> {
    const record = await stem.broker.find(id);
    if (!record || isTerminal(record.state)) return () => undefined;
    if (this.options.mode === 'fake') {
      throw new StemTestingError(
        `Somebody waits for the result of task '${record.name}' (${id}), which never comes: in mode ` +
          `'fake' tasks never run. Use mode 'inline' or 'drain'.`,
        { taskId: id, taskName: record.name, queue: record.queue },
      );
    }
    this.#waiting++;
    for (const listener of [...this.#onWaiting]) listener();
    this.#changed();
    return () => {
      this.#waiting--;
      this.#changed();
    };
  }

  get held(): number {
    let held = 0;
    for (const stem of this.#stems.values()) held += stem.held;
    return held;
  }

  #changed(): void {
    this.#changes++;
    const listeners = this.#onChange;
    this.#onChange = new Set();
    for (const listener of listeners) listener();
  }

  /** Resolves with the next change. */
  #change(): Promise<void> {
    return new Promise((resolve) => this.#onChange.add(resolve));
  }

  /** Resolves when a run is over, or somebody begins to wait for the end of a task, maybe in that run. */
  async #settledOrWaiting({ settled }: HandOut): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#onWaiting.delete(done);
        resolve();
      };
      this.#onWaiting.add(done);
      void settled.then(done);
    });
    await this.#listenersDone();
  }

  /** Lets the listeners of signals do their work, unless one of them waits for a task. */
  async #listenersDone(): Promise<void> {
    await nextTurn();
    while (this.#waiting === 0 && [...this.#stems.values()].some(({ isQuiet }) => !isQuiet)) {
      await shortPause();
    }
  }

  #requireOpen(): void {
    if (this.#closed) throw new StemClosedError('The application under test was closed.');
  }
}
