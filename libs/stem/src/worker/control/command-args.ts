import {
  type ControlCommandName,
  type ControlCommands,
  STOP_MODES,
  type StopMode,
} from '../../core/control.js';
import type { JsonValue } from '../../core/json.js';

type Args = { readonly [name: string]: JsonValue };
type Readers = { [C in ControlCommandName]: (args: Args) => ControlCommands[C]['args'] };

const MAX_ITEMS = 1_000;
const MAX_TEXT_LENGTH = 300;
const MAX_LIMIT = 10_000;

/**
 * Reads the arguments of each command, which came from outside. Each throws an error that says what is
 * wrong, for whoever sent it.
 */
export const COMMAND_ARGS: Readers = {
  ping: () => ({}),
  stats: () => ({}),
  inspect: ({ limit }) => ({ limit: count(limit, 'limit') }),
  pause: ({ queues }) => ({ queues: texts(queues, 'queues') }),
  resume: ({ queues }) => ({ queues: texts(queues, 'queues') }),
  shutdown: ({ mode }) => {
    if (STOP_MODES.includes(mode as StopMode)) return { mode: mode as StopMode };
    throw new TypeError(`mode must be one of ${STOP_MODES.join(', ')}`);
  },
  revoke: ({ ids, terminate, reason }) => ({
    ids: texts(ids, 'ids'),
    terminate: terminate === true,
    reason: typeof reason === 'string' ? reason.slice(0, MAX_TEXT_LENGTH) : 'revoked on request',
  }),
};

function count(value: JsonValue | undefined, name: string): number {
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_LIMIT) {
    return value as number;
  }
  throw new TypeError(`${name} must be a whole number from 1 to ${MAX_LIMIT}`);
}

function texts(value: JsonValue | undefined, name: string): readonly string[] {
  const isList =
    Array.isArray(value) &&
    value.length > 0 &&
    value.length <= MAX_ITEMS &&
    value.every((one) => typeof one === 'string' && one.length <= MAX_TEXT_LENGTH);
  if (!isList) throw new TypeError(`${name} must be a list of 1 to ${MAX_ITEMS} texts`);
  return value as string[];
}
