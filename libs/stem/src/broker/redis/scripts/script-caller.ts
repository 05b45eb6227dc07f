import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { faultHook, type FaultPoint } from '../../../core/fault-points.js';
import type { RedisConnection } from '../connection.js';
import { ScriptCommand } from './script-command.js';
import { sources } from './sources.generated.js';

/** Name of a script: its file without `.lua`. */
export type ScriptName = keyof typeof sources;

/** What a script may be given. Numbers are sent as their decimal text. */
export type ScriptArgument = string | number;

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
    options?: { repeat?: boolean },
  ): Promise<Reply> {
    return this.#connection.run(
      script.replace('-', ' '),
      (client) =>
        (faultHook === undefined
          ? this.#evaluate(client, script, args)
          : this.#evaluateBetweenFaults(faultHook, client, script, args)) as Promise<Reply>,
      options,
    );
  }

  async #evaluateBetweenFaults(
    hook: NonNullable<typeof faultHook>,
    client: Redis,
    script: ScriptName,
    args: readonly ScriptArgument[],
  ): Promise<unknown> {
    hook(`script:${script}:before`);
    const reply = await this.#evaluate(client, script, args);
    hook(`script:${script}:after`);
    return reply;
  }

  #evaluate(client: Redis, script: ScriptName, args: readonly ScriptArgument[]): Promise<unknown> {
    const texts = [
      digests.get(script) as string,
      '1',
      // What ioredis does to the keys of its own calls.
      (client.options.keyPrefix ?? '') + this.#prefix,
    ];
    for (const arg of args) texts.push(typeof arg === 'string' ? arg : String(arg));
    return send(client, new ScriptCommand('evalsha', texts)).catch((error: Error) => {
      // The server restarted or its script cache was flushed; nothing was carried out.
      if (!error.message.startsWith('NOSCRIPT')) throw error;
      return send(client, new ScriptCommand('eval', [sources[script], ...texts.slice(1)]));
    });
  }
}

function send(client: Redis, command: ScriptCommand): Promise<unknown> {
  client.sendCommand(command);
  return command.promise;
}
