import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { faultHook, type FaultPoint } from '../../../core/fault-points.js';
import type { RedisConnection } from '../connection.js';
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

  async #evaluate(
    client: Redis,
    script: ScriptName,
    args: readonly ScriptArgument[],
  ): Promise<unknown> {
    try {
      return await client.evalsha(digests.get(script) as string, 1, this.#prefix, ...args);
    } catch (error) {
      // The server restarted or its script cache was flushed; nothing was carried out.
      if (!(error as Error).message.startsWith('NOSCRIPT')) throw error;
      return client.eval(sources[script], 1, this.#prefix, ...args);
    }
  }
}
