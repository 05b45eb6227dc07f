import { PayloadTooLargeError, TaskArgsError, type TaskCoordinates } from './errors.js';

/** Any value that JSON carries faithfully. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined };

/** An object of JSON values, as used for headers and metadata. */
export type JsonObject = Readonly<Record<string, JsonValue | undefined>>;

/** A value that is JSON already, checked by whoever wrote it; read only if somebody wants to. */
export class JsonText {
  constructor(readonly text: string) {}

  parse(): unknown {
    return JSON.parse(this.text);
  }
}

/**
 * Writes a value as JSON, or refuses it.
 *
 * Refused is whatever JSON would drop or change in silence: functions, symbols, BigInt, cycles, `NaN`
 * and infinities, `undefined` in arrays, Map, Set and binary data. Accepted are properties that are
 * `undefined` (they stay absent) and objects that say themselves what they are in JSON (`toJSON`:
 * Date, URL and the like arrive as that text).
 *
 * @param what names the value in the error, such as `args` or `headers`.
 * @param limitBytes largest size of the text in UTF-8 bytes.
 * @throws {TaskArgsError} when the value is not faithful as JSON, naming the path inside it.
 * @throws {PayloadTooLargeError} when the text is larger than `limitBytes`.
 */
export function toJson(
  value: unknown,
  what: string,
  limitBytes: number,
  where: TaskCoordinates = {},
): string {
  let text: string;
  try {
    const fault = findFault(value, what, 0, undefined);
    if (fault) throw new TaskArgsError(fault, where);
    text = typeof value === 'string' ? quote(value) : JSON.stringify(value);
  } catch (error) {
    if (error instanceof TaskArgsError) throw error;
    throw new TaskArgsError(
      `${what} cannot be written as JSON: ${error instanceof RangeError ? 'it is nested too deeply' : String(error)}.`,
      { ...where, cause: error },
    );
  }
  // A UTF-16 unit takes at most three bytes, so most texts need no count.
  if (text.length * 3 > limitBytes) {
    const bytes = Buffer.byteLength(text);
    if (bytes > limitBytes) {
      throw new PayloadTooLargeError(
        `${what} is ${bytes} bytes as JSON; the limit is ${limitBytes}. Store the data elsewhere and ` +
          `pass a reference, or raise \`limits\`.`,
        where,
      );
    }
  }
  return text;
}

/** Characters that JSON leaves as they are. */
const PLAIN_TEXT = /^[ !#-[\]-~]*$/;

/** Writes a text as JSON. To look whether there is anything to escape is far faster than to have it escaped. */
export function quote(text: string): string {
  return PLAIN_TEXT.test(text) ? `"${text}"` : JSON.stringify(text);
}

/** Depth from which a cycle is looked for; shallower values pay nothing for it. */
const CYCLE_WATCH_DEPTH = 64;

function findFault(
  value: unknown,
  path: string,
  depth: number,
  ancestors: Set<object> | undefined,
): string | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined;
    case 'number':
      return Number.isFinite(value) ? undefined : `${path} is ${value}, which JSON cannot carry.`;
    case 'object':
      return value === null ? undefined : findFaultInObject(value, path, depth, ancestors);
    default:
      return `${path} is ${typeof value === 'undefined' ? 'undefined' : `a ${typeof value}`}, which JSON cannot carry.`;
  }
}

function findFaultInObject(
  value: object,
  path: string,
  depth: number,
  ancestors: Set<object> | undefined,
): string | undefined {
  if (depth >= CYCLE_WATCH_DEPTH) {
    ancestors ??= new Set();
    if (ancestors.has(value)) return `${path} leads back to itself; JSON cannot carry cycles.`;
    ancestors.add(value);
  }
  let fault: string | undefined;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length && !fault; i++) {
      fault = findFault(value[i], `${path}[${i}]`, depth + 1, ancestors);
    }
  } else if (typeof (value as { toJSON?: unknown }).toJSON === 'function') {
    fault = undefined;
  } else if (value instanceof Map || value instanceof Set || ArrayBuffer.isView(value)) {
    fault = `${path} is a ${value.constructor.name}, which JSON cannot carry.`;
  } else {
    for (const key of Object.keys(value)) {
      const member = (value as Record<string, unknown>)[key];
      if (member === undefined) continue;
      fault = findFault(member, `${path}.${key}`, depth + 1, ancestors);
      if (fault) break;
    }
  }
  ancestors?.delete(value);
  return fault;
}
