/**
 * What a stream entry carries: the envelope, after an optional prefix of what changes from one attempt
 * to the next. The format is described in `scripts/include/record.lua`.
 */
export interface Message {
  readonly attempt: number;
  /** Hand-outs before the present stream entry. */
  readonly deliveries: number;
  readonly enqueuedAt: number;
  readonly replays: number;
  readonly admitted: boolean;
  readonly envelopeText: string;
}

const PREFIX = /^(\d+),(\d+),(\d+),(\d+)(,1)?$/;

/** @param entry id of the stream entry, which tells when a message without prefix was enqueued. */
export function parseMessage(text: string, entry: string): Message {
  const from = text.indexOf('[');
  if (from > 0) {
    const match = PREFIX.exec(text.slice(0, from));
    if (match) {
      return {
        attempt: Number(match[1]),
        deliveries: Number(match[2]),
        enqueuedAt: Number(match[3]),
        replays: Number(match[4]),
        admitted: match[5] !== undefined,
        envelopeText: text.slice(from),
      };
    }
  }
  // parseInt stops at the dash between the milliseconds and the sequence number.
  const enqueuedAt = Number.parseInt(entry, 10) || 0;
  return {
    attempt: 0,
    deliveries: 0,
    enqueuedAt,
    replays: 0,
    admitted: false,
    envelopeText: text,
  };
}
