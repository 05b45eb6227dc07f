import { decodeEnvelope, type Envelope } from '../../core/envelope.js';
import { partitionNamedBy } from '../../core/task-id.js';
import type { DeathReason } from '../broker.js';
import { type Message, parseMessage } from './message.js';
import { RedisDelivery } from './redis-delivery.js';
import { type HandOut, OVERSIZED_MARK } from './scripts/claim.script.js';

/** A hand-out that cannot be run: a delivery made up to dead-letter it under, and why. */
export interface Unreadable {
  readonly delivery: RedisDelivery;
  readonly reason: DeathReason;
  readonly detail: string;
}

/** How much of an unreadable text is kept with its dead letter, in characters. */
const KEPT_LENGTH = 1_000;

/**
 * Turns what a claim handed out into a delivery, trusting nothing.
 *
 * @param newTaskId makes an id for a text that does not even tell whose it was.
 */
export function readHandOut(
  partition: number,
  handOut: HandOut,
  newTaskId: (partition: number) => string,
): RedisDelivery | Unreadable {
  const { entry, text, handOuts } = handOut;
  const where = { partition, queue: handOut.queue, priority: handOut.priority, entry };
  const unreadable = (beginning: string, reason: DeathReason, detail: string): Unreadable => {
    const message = parseMessage(beginning, entry);
    const id = idIn(message) ?? newTaskId(partition);
    const envelope = standIn(id, beginning);
    const envelopeText = JSON.stringify([id, envelope.name, envelope.args]);
    const delivery = new RedisDelivery(where, { ...message, envelopeText }, envelope, handOuts);
    return { delivery, reason, detail };
  };

  if (text.startsWith(OVERSIZED_MARK)) {
    const from = text.indexOf(':');
    const bytes = text.slice(OVERSIZED_MARK.length, from);
    return unreadable(text.slice(from + 1), 'oversized-record', `it has ${bytes} bytes`);
  }
  const message = parseMessage(text, entry);
  const envelope = decodeEnvelope(message.envelopeText);
  if ('corrupt' in envelope) return unreadable(text, 'corrupt-record', envelope.corrupt);
  // Lines separate the parts of a record, into which the text is copied as it is.
  if (text.includes('\n')) return unreadable(text, 'corrupt-record', 'it contains line feeds');
  const named = partitionNamedBy(envelope.id);
  if (named !== undefined && named !== partition) {
    return unreadable(text, 'corrupt-record', 'its id names another partition');
  }
  return new RedisDelivery(where, message, envelope, handOuts);
}

/** A damaged text may still tell whose it was. */
function idIn(message: Message): string | undefined {
  return /^\["([^"\\{}\s]{1,200})"/.exec(message.envelopeText)?.[1];
}

function standIn(id: string, text: string): Envelope {
  return {
    id,
    name: '(unreadable)',
    args: text.slice(0, KEPT_LENGTH),
    headers: {},
    meta: {},
    maxRetries: undefined,
    expires: false,
    uniqueKey: undefined,
    resultTtlMs: undefined,
  };
}
