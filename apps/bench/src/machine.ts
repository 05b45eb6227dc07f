import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import type { Redis } from 'ioredis';

/** What the figures depend on. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly node: string;
  readonly redis: string;
  /** Versions of the libraries, by package. */
  readonly libraries: Readonly<Record<string, string>>;
  readonly date: string;
}

const LIBRARIES = [
  'nestjs-stem',
  'bullmq',
  '@nestjs/bullmq',
  'bee-queue',
  '@nestjs/core',
  'ioredis',
];

export async function describeMachine(redis: Redis): Promise<Machine> {
  const version = /redis_version:(\S+)/.exec(await redis.info('server'))?.[1] ?? 'unknown';
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    node: process.versions.node,
    redis: version,
    libraries: Object.fromEntries(LIBRARIES.map((name) => [name, versionOf(name)])),
    date: new Date().toISOString().slice(0, 10),
  };
}

/** Looks above the entry point, since not every package exports its package.json. */
function versionOf(name: string): string {
  const require = createRequire(import.meta.url);
  for (let folder = dirname(require.resolve(name)); ; folder = dirname(folder)) {
    try {
      const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
        name?: string;
        version?: string;
      };
      if (manifest.name === name && manifest.version !== undefined) return manifest.version;
    } catch {
      // no package.json here
    }
    if (folder === dirname(folder)) return 'unknown';
  }
}
