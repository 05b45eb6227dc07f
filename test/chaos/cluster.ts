import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
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
}

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

  /** @param folder where compiled code lies; @param ledgerFolder where ledgers and output go. */
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

  start({ role, point, clockShiftMs = 0, concurrency }: StartOptions): Member {
    const number = ++this.#count;
    const name = `${this.#label}-${role}-${number}`;
    const output = openSync(join(this.ledgerFolder, `${name}.log`), 'a');
    const child = spawn(
      process.execPath,
      ['--import', join(this.#folder, 'preload.js'), join(this.#folder, `${role}.js`)],
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
    const text = readFileSync(join(this.ledgerFolder, `${name}.ledger`), 'utf8');
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
    const file = join(this.ledgerFolder, `${member.name}.ledger`);
    for (const deadline = monotonicMs() + limitMs; monotonicMs() < deadline; await delay(50)) {
      if (hasEnded(member.child)) return 'ended';
      try {
        if (readFileSync(file, 'utf8').includes('"ready"')) return 'ready';
      } catch {
        // not there yet
      }
    }
    return 'silent';
  }

  /** Notes the death of a process that ended itself. */
  noteDeath(member: Member): void {
    this.#note(member, 'killed');
  }

  async killAll(): Promise<void> {
    await Promise.all([...this.members].map(({ child }) => end(child, 'SIGKILL')));
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
