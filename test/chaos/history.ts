import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Commands that Redis wrote to its append-only file together; those of one script are one. */
export type Transaction = readonly (readonly string[])[];

/**
 * Reads an append-only file: everything that ever changed in this Redis, in the order in which it did,
 * as the server itself noted it. Incomplete commands at the end are left out, as Redis does.
 */
export function parseAppendOnlyFile(bytes: Buffer): Transaction[] {
  const transactions: Transaction[] = [];
  let open: string[][] | undefined;
  let at = 0;
  const line = (): string | undefined => {
    const end = bytes.indexOf('\r\n', at);
    if (end < 0) return undefined;
    const text = bytes.toString('latin1', at, end);
    at = end + 2;
    return text;
  };
  const command = (): string[] | undefined => {
    let header = line();
    while (header?.startsWith('#')) header = line();
    if (header === undefined) return undefined;
    if (!header.startsWith('*')) throw new Error(`Not an append-only file: ${header.slice(0, 40)}`);
    const words: string[] = [];
    for (let left = Number(header.slice(1)); left > 0; left--) {
      const size = line();
      if (size === undefined) return undefined;
      const length = Number(size.slice(1));
      if (at + length + 2 > bytes.length) return undefined;
      words.push(bytes.toString('utf8', at, at + length));
      at += length + 2;
    }
    return words;
  };
  for (let words = command(); words; words = command()) {
    const name = (words[0] ?? '').toUpperCase();
    if (name === 'MULTI') open = [];
    else if (name === 'EXEC') {
      transactions.push(open ?? []);
      open = undefined;
    } else if (open) open.push(words);
    else transactions.push([words]);
  }
  return transactions;
}

/** The append-only files of a Redis that writes no snapshot over them, one after the other. */
export function readAppendOnlyFiles(redisFolder: string): Buffer {
  return Buffer.concat(appendOnlyFiles(redisFolder).map((file) => readFileSync(file)));
}

/** Paths of the incremental files, oldest first. */
export function appendOnlyFiles(redisFolder: string): string[] {
  const folder = join(redisFolder, 'appendonlydir');
  return readFileSync(join(folder, 'appendonly.aof.manifest'), 'utf8')
    .split('\n')
    .map((row) => /^file (\S+) seq \d+ type i/.exec(row)?.[1])
    .filter((name) => name !== undefined)
    .map((name) => join(folder, name));
}

/** What came after a key of this name was written, without what says nothing of any task. */
export function since(transactions: readonly Transaction[], mark: string): Transaction[] {
  const at = transactions.findIndex((one) => one.some(([, key]) => key === mark));
  if (at < 0) throw new Error(`Nothing in this history is called ${mark}`);
  return transactions
    .slice(at + 1)
    .map((one) => one.filter(([name = '']) => name.toUpperCase() !== 'SELECT'))
    .filter((one) => one.length > 0);
}

/** How many transactions two histories that began as one have in common. */
export function lengthInCommon(one: readonly Transaction[], other: readonly Transaction[]): number {
  const at = one.findIndex((step, index) => JSON.stringify(step) !== JSON.stringify(other[index]));
  return at < 0 ? one.length : at;
}

/** A task's record was written with a state that ends it. */
export interface Commit {
  readonly id: string;
  readonly state: 'succeeded' | 'failed' | 'cancelled' | 'expired';
  /** The consumer that did it; empty when it was nobody's. */
  readonly worker: string;
  readonly reason: string;
  /** What the server knew just before. */
  readonly before: {
    /** Whether the task had an end already. */
    readonly ended: boolean;
    /** The consumer that held it, if any. */
    readonly holder: string | undefined;
    /** Whether `worker` had a lease. */
    readonly leased: boolean;
  };
}

/** What a history tells. */
export interface Facts {
  readonly commits: readonly Commit[];
  /** Every time that a consumer was given an entry. */
  readonly handOuts: readonly { readonly id: string; readonly consumer: string }[];
  /** Consumers whose lease was taken away or given up in a partition, with what they held there. */
  readonly endedLeases: readonly { readonly consumer: string; readonly held: number }[];
  /** Last state letter of every record. */
  readonly states: ReadonlyMap<string, string>;
}

/** What a server forgot that went back to the beginning of its history. */
export interface Forgotten {
  readonly erasedHandOuts: Facts['handOuts'];
  readonly erasedCommits: number;
  /** Tasks of which nothing is known any more. */
  readonly erasedIds: ReadonlySet<string>;
}

/** @param left the beginning of `whole` that was kept. */
export function forgottenBetween(
  whole: readonly Transaction[],
  left: readonly Transaction[],
): Forgotten {
  const before = factsOf(whole);
  const after = factsOf(left);
  return {
    erasedHandOuts: before.handOuts.slice(after.handOuts.length),
    erasedCommits: before.commits.length - after.commits.length,
    erasedIds: new Set([...before.states.keys()].filter((id) => !after.states.has(id))),
  };
}

const STATES = { S: 'succeeded', F: 'failed', C: 'cancelled', E: 'expired' } as const;
const RETURNED = '~returned';

/** Follows a history, and notes who held what whenever a task came to its end. */
export function factsOf(transactions: readonly Transaction[]): Facts {
  // Streams and leases of each partition are its own; the names of tasks and consumers are not.
  const leases = new Set<string>();
  const holders = new Map<string, string>();
  const taskOf = new Map<string, string>();
  const entryOf = new Map<string, string>();
  const states = new Map<string, string>();
  const commits: Commit[] = [];
  const handOuts: { id: string; consumer: string }[] = [];
  const staged = new Map<string, string>();
  const endedLeases: { consumer: string; held: number }[] = [];

  /** A record was written. */
  const write = (key: string, text: string): void => {
    const partition = key.slice(0, key.indexOf('}:') + 2);
    const kind = key.slice(partition.length);
    if (!kind.startsWith('t:')) return;
    const id = kind.slice(2);
    const [header = ''] = text.split('\n');
    const fields = header.split('\t');
    const letter = fields[0] ?? '';
    if (letter === 'q') {
      const place = `${partition}q:${fields[2]}:${fields[1]}:${fields[3]}`;
      entryOf.set(id, place);
      taskOf.set(place, id);
    }
    const state = STATES[letter as keyof typeof STATES];
    if (state) {
      const worker = fields[9] ?? '';
      commits.push({
        id,
        state,
        worker,
        reason: fields[10] ?? '',
        before: {
          ended: (states.get(id) ?? 'q') in STATES,
          holder: holders.get(entryOf.get(id) ?? ''),
          leased: leases.has(partition + worker),
        },
      });
    }
    states.set(id, letter);
  };

  for (const transaction of transactions) {
    // Who held what counts as it was before: a script acknowledges and writes the record in one step.
    const released: string[] = [];
    const unleased: string[] = [];
    for (const [name = '', key = '', ...rest] of transaction) {
      const partition = key.slice(0, key.indexOf('}:') + 2);
      const kind = key.slice(partition.length);
      switch (name.toUpperCase()) {
        case 'ZADD':
          if (kind === 'leases') leases.add(partition + (rest.at(-1) ?? ''));
          break;
        case 'ZREM':
          if (kind !== 'leases') break;
          for (const consumer of rest) {
            const held = [...holders].filter(
              ([place, holder]) => holder === consumer && place.startsWith(partition),
            ).length;
            endedLeases.push({ consumer, held });
            unleased.push(partition + consumer);
          }
          break;
        case 'XCLAIM': {
          const [, consumer = '', , entry = ''] = rest;
          const place = `${key}:${entry}`;
          if (consumer === RETURNED) holders.delete(place);
          else {
            holders.set(place, consumer);
            handOuts.push({ id: taskOf.get(place) ?? '', consumer });
          }
          break;
        }
        case 'XACK':
          for (const entry of rest.slice(1)) released.push(`${key}:${entry}`);
          break;
        case 'MSETNX':
          for (let i = 0; i < rest.length; i += 2) {
            // The first key is `key` itself.
            write(i === 0 ? key : (rest[i - 1] ?? ''), rest[i] ?? '');
          }
          break;
        case 'RENAME':
          // A large record was written ahead of the call that settles its task.
          write(rest[0] ?? '', staged.get(key) ?? '');
          staged.delete(key);
          break;
        case 'SETNX':
        case 'SET':
        case 'PSETEX':
          if (kind.startsWith('c:')) staged.set(key, rest[0] ?? '');
          else write(key, (name.toUpperCase() === 'PSETEX' ? rest[1] : rest[0]) ?? '');
          break;
      }
    }
    for (const lease of unleased) leases.delete(lease);
    for (const place of released) holders.delete(place);
  }
  return { commits, handOuts, endedLeases, states };
}
