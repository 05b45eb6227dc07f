import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Blow } from './checker.js';
import { type ChaosEnvironment, toVariables } from './environment.js';
import { monotonicMs } from './ledger.js';

export interface StartOptions {
  readonly role: 'worker' | 'producer';
  /** The process ends itself with SIGKILL when it passes this point. */
  readonly point?: string;
  readonly clockShiftMs?: number;
  readonly concurrency?: number;
  readonly version?: Version;
}

/** Which build of the package a process runs. */
export type Version = 'current' | 'previous';

/** A process of the chaos test. */
export interface Member {
  readonly name: string;
  readonly role: 'worker' | 'producer';
  readonly child: ChildProcess;
  readonly startedMs: number;
  readonly point: string | undefined;
}

/** Starts processes, and keeps the record of what was done to them. */
export class Cluster {
  readonly members = new Set<Member>();
  readonly blows: Blow[] = [];
  readonly #folder: string;
  readonly #environment: Omit<ChaosEnvironment, 'processName' | 'seed' | 'ledgerFolder'>;
  #count = 0;
  readonly #label: string;

  /**
   * @param folder where the compiled programs lie, in a folder for each version.
   * @param ledgerFolder where ledgers and output go.
   */
  constructor(
    folder: string,
    readonly ledgerFolder: string,
    label: string,
    environment: Omit<ChaosEnvironment, 'processName' | 'seed' | 'ledgerFolder'>,
  ) {
    this.#folder = folder;
    this.#label = label;
    this.#environment = environment;
  }

  start(options: StartOptions): Member {
    const { role, point, clockShiftMs = 0, concurrency, version = 'current' } = options;
    const number = ++this.#count;
    const name = `${this.#label}-${role}-${number}-${version}`;
    const programs = join(this.#folder, version);
    const output = openSync(join(this.ledgerFolder, `${name}.log`), 'a');
    const child = spawn(
      process.execPath,
      ['--import', join(programs, 'preload.js'), join(programs, `${role}.js`)],
      {
        stdio: ['ignore', output, output],
        env: {
          PATH: process.env.PATH,
          STEM_TEST_RUN: process.env.STEM_TEST_RUN ?? '',
          NO_COLOR: '1',
          CHAOS_CLOCK_SHIFT_MS: String(clockShiftMs),
          ...(point === undefined ? {} : { CHAOS_POINT: point }),
          ...toVariables({
            ...this.#environment,
            ...(concurrency === undefined ? {} : { concurrency }),
            ledgerFolder: this.ledgerFolder,
            processName: name,
            seed: number,
          }),
        },
      },
    );
    closeSync(output);
    const member: Member = { name, role, child, startedMs: monotonicMs(), point };
    this.members.add(member);
    child.once('exit', () => this.members.delete(member));
    return member;
  }

  /** Members of a role that do not wait for their death at a fault point. */
  regulars(role: Member['role']): Member[] {
    return [...this.members].filter((member) => member.role === role && member.point === undefined);
  }

  /** Whether it runs tasks right now, as far as its ledger tells. */
  isBusy({ name }: Member): boolean {
    const text = this.#ledgerOf(name);
    const count = (event: string): number => text.split(`"event":"${event}"`).length;
    return count('started') > count('ended');
  }

  async kill(member: Member): Promise<void> {
    this.#note(member, 'killed');
    await end(member.child, 'SIGKILL');
  }

  /** Lets the process stand still. */
  async stopFor(member: Member, ms: number): Promise<void> {
    this.#note(member, 'stopped');
    member.child.kill('SIGSTOP');
    await delay(ms);
    member.child.kill('SIGCONT');
  }

  async terminate(member: Member): Promise<void> {
    // A process that has no handler for the signal yet has nothing to give back either.
    const isReady = (await this.whenReady(member, 10_000)) === 'ready';
    const atMs = monotonicMs();
    await end(member.child, 'SIGTERM', 30_000);
    // One that dies at its fault point while it stops does not exit.
    if (!isReady || member.point !== undefined) return;
    const { exitCode } = member.child;
    this.blows.push({ process: member.name, kind: 'asked to stop', atMs, exitCode });
  }

  async whenReady(member: Member, limitMs: number): Promise<'ready' | 'ended' | 'silent'> {
    for (const deadline = monotonicMs() + limitMs; monotonicMs() < deadline; await delay(50)) {
      if (hasEnded(member.child)) return 'ended';
      if (this.#isReady(member.name)) return 'ready';
    }
    return 'silent';
  }

  /** Notes the death of a process that ended itself. */
  noteDeath(member: Member): void {
    this.#note(member, 'killed');
  }

  /** Sends a signal to those regulars of a role that are ready, and so know what it means. */
  signalReady(role: Member['role'], signal: NodeJS.Signals): void {
    for (const { name, child } of this.regulars(role)) {
      if (this.#isReady(name)) child.kill(signal);
    }
  }

  async killAll(): Promise<void> {
    await Promise.all([...this.members].map(({ child }) => end(child, 'SIGKILL')));
  }

  #isReady(name: string): boolean {
    return this.#ledgerOf(name).includes('"ready"');
  }

  /** A process begins it once it is loaded, which takes as long as the machine likes. */
  #ledgerOf(name: string): string {
    const file = join(this.ledgerFolder, `${name}.ledger`);
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  #note({ name }: Member, kind: Blow['kind']): void {
    this.blows.push({ process: name, kind, atMs: monotonicMs() });
  }
}

/** Sends a signal and waits for the end; after `patienceMs` it is forced. */
async function end(
  child: ChildProcess,
  signal: NodeJS.Signals,
  patienceMs = 10_000,
): Promise<void> {
  if (hasEnded(child)) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  child.kill('SIGCONT');
  const force = setTimeout(() => child.kill('SIGKILL'), patienceMs);
  await ended;
  clearTimeout(force);
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
