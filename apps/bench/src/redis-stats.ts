import type { Redis } from 'ioredis';

/** What a Redis server says about itself. */
export interface RedisStats {
  /** CPU time, user and system, of the whole server since its start. */
  readonly cpuMicros: number;
  /** Commands carried out, those called by scripts included. */
  readonly commands: number;
  readonly usedMemoryBytes: number;
}

export async function readRedisStats(client: Redis): Promise<RedisStats> {
  const info = await client.info();
  const field = (name: string): number => {
    const value = new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1];
    if (value === undefined) throw new Error(`INFO has no ${name}.`);
    return Number(value);
  };
  return {
    cpuMicros: (field('used_cpu_user') + field('used_cpu_sys')) * 1e6,
    commands: field('total_commands_processed'),
    usedMemoryBytes: field('used_memory'),
  };
}

/** A command as Redis counts it, such as `evalsha`. */
type CommandName = 'evalsha' | 'set';

/**
 * How long the server was busy with one call: the 99th percentile of the slowest of these commands since the
 * last `CONFIG RESETSTAT`, in milliseconds. A script call counts with all that is called inside it.
 */
export async function longestCallMs(
  client: Redis,
  commands: readonly CommandName[] = ['evalsha'],
): Promise<number> {
  const info = await client.info('latencystats');
  const percentiles = commands.map((command) => {
    const micros = new RegExp(`latency_percentiles_usec_${command}:.*?p99=([\\d.]+)`).exec(
      info,
    )?.[1];
    if (micros === undefined) throw new Error(`INFO latencystats tells nothing of ${command}.`);
    return Number(micros) / 1_000;
  });
  return Math.max(...percentiles);
}
