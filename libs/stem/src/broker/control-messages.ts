import type { JsonValue } from '../core/json.js';
import type { ControlAnswer, ControlMessage } from './control-bus.js';

/** Longest command that is read, in characters: a thousand ids of tasks. */
export const MAX_MESSAGE_LENGTH = 512 * 1_024;
/** Longest answer that is read: ten thousand tasks in the hands of one worker. */
export const MAX_ANSWER_LENGTH = 8 * 1_024 * 1_024;

/** It becomes part of the name of a channel. */
const REQUEST_ID = /^[\w-]{1,64}$/;
const MAX_TEXT_LENGTH = 300;
const MAX_ERROR_LENGTH = 10_000;

/** Reads a command that came from outside, trusting nothing. Nothing when it is none. */
export function readControlMessage(text: string): ControlMessage | undefined {
  const fields = readObject(text, MAX_MESSAGE_LENGTH);
  if (!fields) return undefined;
  const { requestId, command, workers, args } = fields;
  if (typeof requestId !== 'string' || !REQUEST_ID.test(requestId)) return undefined;
  if (!isText(command)) return undefined;
  if (workers !== undefined && !(Array.isArray(workers) && workers.every(isText))) return undefined;
  if (!isObject(args)) return undefined;
  return { requestId, command, workers, args: args as Record<string, JsonValue> };
}

/** Reads an answer that came from outside, trusting nothing. Nothing when it is none. */
export function readControlAnswer(text: string): ControlAnswer | undefined {
  const fields = readObject(text, MAX_ANSWER_LENGTH);
  if (!fields) return undefined;
  const { requestId, worker, name, status, answer, error } = fields;
  if (typeof requestId !== 'string' || !isText(worker) || !isText(name)) return undefined;
  if (status !== 'ok' && status !== 'error') return undefined;
  return {
    requestId,
    worker,
    name,
    status,
    ...(status === 'ok' ? { answer: (answer ?? null) as JsonValue } : {}),
    ...(status === 'error' ? { error: String(error).slice(0, MAX_ERROR_LENGTH) } : {}),
  };
}

function readObject(text: string, maxLength: number): Record<string, unknown> | undefined {
  if (text.length > maxLength) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    return isObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_TEXT_LENGTH;
}
