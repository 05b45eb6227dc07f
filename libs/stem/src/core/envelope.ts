import { type JsonObject, type JsonValue, quote } from './json.js';

/**
 * What travels: the immutable part of a task. It is written once, when the task is enqueued, and never
 * again, whatever happens to the task.
 *
 * On the wire it is one JSON array, `[id, name, args, extras?]`. Positions instead of keys and absent
 * extras keep it small, since a queue may hold millions of them.
 */
export interface Envelope {
  readonly id: string;
  readonly name: string;
  readonly args: JsonValue;
  readonly headers: Readonly<Record<string, string>>;
  readonly meta: JsonObject;
  /** Retries asked for at enqueue; otherwise the handler's own definition decides. */
  readonly maxRetries: number | undefined;
  /** Whether an expiry was set. */
  readonly expires: boolean;
  /** The claim to give back when the task ends. */
  readonly uniqueKey: string | undefined;
  /** Retention asked for at enqueue, in milliseconds. */
  readonly resultTtlMs: number | undefined;
}

/** The optional fourth element on the wire; one letter each, since it is repeated per task. */
interface Extras {
  h?: Record<string, string>;
  m?: JsonObject;
  r?: number;
  x?: 1;
  u?: string;
  t?: number;
}

/** What an envelope is made of. Arguments come already written as JSON, so that nothing is encoded twice. */
export interface EnvelopeFields {
  readonly id: string;
  readonly name: string;
  readonly argsJson: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly meta?: JsonObject | undefined;
  readonly maxRetries?: number | undefined;
  readonly expires?: boolean;
  readonly uniqueKey?: string | undefined;
  readonly resultTtlMs?: number | undefined;
}

/** Writes an envelope as it travels. */
export function encodeEnvelope(fields: EnvelopeFields): string {
  const { id, name, argsJson } = fields;
  const extras = extrasOf(fields);
  const end = extras === undefined ? ']' : `,${JSON.stringify(extras)}]`;
  // A text put together by `+` stays a tree of its parts until somebody reads it; many may wait for that.
  return ['[', quote(id), ',', quote(name), ',', argsJson, end].join('');
}

function extrasOf(fields: EnvelopeFields): Extras | undefined {
  const { headers, meta, maxRetries, expires, uniqueKey, resultTtlMs } = fields;
  let extras: Extras | undefined;
  if (headers && Object.keys(headers).length) (extras ??= {}).h = headers;
  if (meta && Object.keys(meta).length) (extras ??= {}).m = meta;
  if (maxRetries !== undefined) (extras ??= {}).r = maxRetries;
  if (expires) (extras ??= {}).x = 1;
  if (uniqueKey !== undefined) (extras ??= {}).u = uniqueKey;
  if (resultTtlMs !== undefined) (extras ??= {}).t = resultTtlMs;
  return extras;
}

const NOTHING: Readonly<Record<string, never>> = Object.freeze({});

/**
 * Reads an envelope that came from a broker, trusting nothing.
 *
 * @returns the envelope, or the reason why it is none.
 */
export function decodeEnvelope(text: string): Envelope | { readonly corrupt: string } {
  let parts: unknown;
  try {
    parts = JSON.parse(text);
  } catch (error) {
    return { corrupt: `not JSON (${(error as Error).message})` };
  }
  if (!Array.isArray(parts) || parts.length < 3)
    return { corrupt: 'not an array of three or four' };
  const [id, name, args, extras = NOTHING] = parts as [unknown, unknown, JsonValue, Extras?];
  if (typeof id !== 'string' || id === '') return { corrupt: 'its id is not a text' };
  if (typeof name !== 'string' || name === '') return { corrupt: 'its name is not a text' };
  if (extras === NOTHING) {
    return {
      id,
      name,
      args,
      headers: NOTHING,
      meta: NOTHING,
      maxRetries: undefined,
      expires: false,
      uniqueKey: undefined,
      resultTtlMs: undefined,
    };
  }
  if (!isObject(extras)) return { corrupt: 'its extras are not an object' };
  const { h: headers = NOTHING, m: meta = NOTHING, r: maxRetries, x, u, t } = extras;
  if (!isObject(headers) || !Object.values(headers).every((value) => typeof value === 'string')) {
    return { corrupt: 'its headers are not texts' };
  }
  if (!isObject(meta)) return { corrupt: 'its metadata is not an object' };
  if (maxRetries !== undefined && !isCount(maxRetries))
    return { corrupt: 'its retries are no count' };
  if (u !== undefined && typeof u !== 'string') return { corrupt: 'its unique key is not a text' };
  if (t !== undefined && !isCount(t)) return { corrupt: 'its retention is no duration' };
  return {
    id,
    name,
    args,
    headers,
    meta,
    maxRetries,
    expires: x === 1,
    uniqueKey: u,
    resultTtlMs: t,
  };
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}
