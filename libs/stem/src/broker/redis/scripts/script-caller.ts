import { createHash } from 'node:crypto';
import type { Command, Redis } from 'ioredis';
import { faultHook, type FaultPoint } from '../../../core/fault-points.js';
import type { RedisConnection, RunOptions } from '../connection.js';
import { StageCommand } from './stage-command.js';
import { TextCommand } from './text-command.js';
import { sources } from './sources.generated.js';

/** Name of a script: its file without `.lua`. */
export type ScriptName = keyof typeof sources;

/** What a script may be given. Numbers are sent as their decimal text. */
export type ScriptArgument = string | number;

/** A value that is too large to be handed to a script, and is written ahead of it. */
export interface StagedValue {
  /** Without the partition's prefix. */
  readonly key: string;
  readonly bytes: Buffer;
}

/** What a script call needs beside its arguments. */
export interface CallOptions extends RunOptions {
  /**
   * Values that are written in the same breath as the call, before it, each by a command of its own. The script
   * must see whether they are there: one that could not be written does not keep the call back.
   */
  readonly staged?: readonly StagedValue[] | undefined;
}

/** What was written ahead of a call that then was not carried out goes by itself. Far longer than a call takes. */
const STAGED_TTL_MS = 60_000;

const digests = new Map<ScriptName, string>(
  (Object.keys(sources) as ScriptName[]).map((name) => [
    name,
    createHash('sha1').update(sources[name]).digest('hex'),
  ]),
);

/** A place just before and one just after each script call, where a test may end the process. */
export const SCRIPT_FAULT_POINTS: readonly FaultPoint[] = (
  Object.keys(sources) as ScriptName[]
).flatMap((name): FaultPoint[] => [`script:${name}:before`, `script:${name}:after`]);

/** Runs scripts in one partition. Each has a typed function of its own beside its `.lua` file. */
export class ScriptCaller {
  readonly #connection: RedisConnection;
  readonly #prefix: string;

  /** @param prefix the partition's prefix, the only key that scripts are given. */
  constructor(connection: RedisConnection, prefix: string) {
    this.#connection = connection;
    this.#prefix = prefix;
  }

  call<Reply>(
    script: ScriptName,
    args: readonly ScriptArgument[],
    options: CallOptions = {},
  ): Promise<Reply> {
    return this.#connection.run(
      script.replace('-', ' '),
      (client) =>
        (faultHook === undefined
          ? this.#evaluate(client, script, args, options.staged)
          : this.#evaluateBetweenFaults(
              faultHook,
              client,
              script,
              args,
              options.staged,
            )) as Promise<Reply>,
      options,
    );
  }

  async #evaluateBetweenFaults(
    hook: NonNullable<typeof faultHook>,
    client: Redis,
    script: ScriptName,
    args: readonly ScriptArgument[],
    staged: readonly StagedValue[] | undefined,
  ): Promise<unknown> {
    hook(`script:${script}:before`);
    const reply = await this.#evaluate(client, script, args, staged);
    hook(`script:${script}:after`);
    return reply;
  }

  #evaluate(
    client: Redis,
    script: ScriptName,
    args: readonly ScriptArgument[],
    staged: readonly StagedValue[] | undefined,
  ): Promise<unknown> {
    // What ioredis does to the keys of its own calls.
    const prefix = (client.options.keyPrefix ?? '') + this.#prefix;
    const texts = [digests.get(script) as string, '1', prefix];
    for (const arg of args) texts.push(typeof arg === 'string' ? arg : String(arg));
    return sendAfter(client, prefix, staged, new TextCommand('evalsha', texts)).catch(
      (error: Error) => {
        // The server restarted or its script cache was flushed; nothing was carried out.
        if (!error.message.startsWith('NOSCRIPT')) throw error;
        return send(client, new TextCommand('eval', [sources[script], ...texts.slice(1)]));
      },
    );
  }
}

/** Sends a call and, before it and in one piece with it, the values that it relies on. */
function sendAfter(
  client: Redis,
  prefix: string,
  staged: readonly StagedValue[] | undefined,
  call: TextCommand,
): Promise<unknown> {
  if (staged === undefined || staged.length === 0) return send(client, call);
  const { stream } = client;
  stream.cork();
  for (const { key, bytes } of staged) {
    // The script says what is missing.
    send(client, new StageCommand(prefix + key, bytes, STAGED_TTL_MS)).catch(() => undefined);
  }
  const answer = send(client, call);
  stream.uncork();
  return answer;
}

function send(client: Redis, command: Command): Promise<unknown> {
  client.sendCommand(command);
  return command.promise;
}
