import { decodeEnvelope } from '../../core/envelope.js';
import type { TaskFailure } from '../../core/failure.js';
import type { TaskState } from '../../core/task-state.js';
import type { Progress, Success, TaskRecord } from '../broker.js';
import { parseMessage } from './message.js';
import type { RedisDelivery } from './redis-delivery.js';

/** The letters of `scripts/include/record.lua`. */
const STATE_OF_LETTER: Readonly<Record<string, TaskState>> = {
  q: 'queued',
  s: 'scheduled',
  r: 'retrying',
  S: 'succeeded',
  F: 'failed',
  C: 'cancelled',
  E: 'expired',
};

/** The state behind a record's letter, or nothing for a letter that is none. */
export function stateOfLetter(letter: string): TaskState | undefined {
  return STATE_OF_LETTER[letter];
}

/**
 * Writes the records of tasks that succeeded on one consumer. Mostly the beginning is that of the task before,
 * so it is kept: putting it together anew costs more than all the rest.
 */
export class SucceededRecords {
  readonly #tail: string;
  #queue: string | undefined;
  #priority: number | undefined;
  #attempt: number | undefined;
  #deliveries: number | undefined;
  #replays: number | undefined;
  #head = '';

  constructor(consumer: string) {
    this.#tail = `\t${consumer}\t\n`;
  }

  encode(delivery: RedisDelivery, success: Success, finishedAt: number): string {
    const { enqueuedAt, envelopeText, progress } = delivery;
    const times = `${enqueuedAt}\t${success.startedAt}\t${finishedAt}`;
    const outcome = success.result === undefined ? '\n' : `\n${success.result}`;
    const record = this.#headOf(delivery) + times + this.#tail + envelopeText + outcome;
    return progress ? `${record}\n${JSON.stringify(progress)}` : record;
  }

  #headOf({ queue, priority, attempt, deliveries, replays }: RedisDelivery): string {
    const isSame =
      queue === this.#queue &&
      priority === this.#priority &&
      attempt === this.#attempt &&
      deliveries === this.#deliveries &&
      replays === this.#replays;
    if (!isSame) {
      this.#queue = queue;
      this.#priority = priority;
      this.#attempt = attempt;
      this.#deliveries = deliveries;
      this.#replays = replays;
      this.#head = `S\t${queue}\t${priority}\t${attempt}\t${deliveries}\t${replays}\t`;
    }
    return this.#head;
  }
}

/** What the `find` script answers for one task; empty when it is unknown. */
export type FoundTask =
  | readonly []
  | readonly [
      record: string,
      message: string,
      holder: string,
      startedAt: number,
      handOuts: number,
      progress: string,
    ];

/** Reads a record that came from Redis, trusting nothing. Unreadable ones count as unknown. */
export function decodeFound(id: string, found: FoundTask): TaskRecord | undefined {
  if (found.length === 0) return undefined;
  const [text, streamMessage, holder, startedAt, handOuts, liveProgress] = found;
  const [header = '', line2 = '', line3 = '', line4 = ''] = text.split('\n');
  const fields = header.split('\t');
  const state = STATE_OF_LETTER[fields[0] ?? ''];
  if (state === undefined) return undefined;
  const queue = fields[1] ?? '';
  const priority = Number(fields[2]) || 0;

  if (state === 'queued') {
    const message = parseMessage(streamMessage, fields[3] ?? '');
    const running = holder !== '';
    return describe(id, message.envelopeText, {
      queue,
      priority,
      state: running ? 'running' : 'queued',
      attempt: message.attempt,
      deliveries: message.deliveries + handOuts,
      replays: message.replays,
      enqueuedAt: message.enqueuedAt,
      startedAt: running ? startedAt : undefined,
      worker: running ? holder : undefined,
      progress: parse<Progress>(liveProgress),
    });
  }
  if (state === 'scheduled' || state === 'retrying') {
    const message = parseMessage(line2, '');
    return describe(id, message.envelopeText, {
      queue,
      priority,
      state,
      attempt: message.attempt,
      deliveries: message.deliveries,
      replays: message.replays,
      enqueuedAt: message.enqueuedAt,
      notBefore: Number(fields[3]) || undefined,
      failure: parse<TaskFailure>(line3),
    });
  }
  return describe(id, line2, {
    queue,
    priority,
    state,
    attempt: Number(fields[3]) || 0,
    deliveries: Number(fields[4]) || 0,
    replays: Number(fields[5]) || 0,
    enqueuedAt: Number(fields[6]) || 0,
    startedAt: Number(fields[7]) || undefined,
    finishedAt: Number(fields[8]) || undefined,
    worker: fields[9] || undefined,
    reason: fields[10] || undefined,
    result: state === 'succeeded' && line3 !== '' ? line3 : undefined,
    failure: state === 'succeeded' ? undefined : parse<TaskFailure>(line3),
    progress: parse<Progress>(line4),
  });
}

type Facts = Omit<TaskRecord, 'id' | 'name' | 'args' | 'headers' | 'meta'>;

function describe(id: string, envelopeText: string, facts: Facts): TaskRecord {
  const envelope = decodeEnvelope(envelopeText);
  if ('corrupt' in envelope) {
    return { id, name: '(unreadable)', args: envelopeText, headers: {}, meta: {}, ...facts };
  }
  const { name, args, headers, meta } = envelope;
  return { id, name, args, headers, meta, ...facts };
}

function parse<T>(json: string): T | undefined {
  if (json === '') return undefined;
  try {
    return JSON.parse(json) as T;
  } catch {
    return undefined;
  }
}
