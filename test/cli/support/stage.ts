import { execFile } from 'node:child_process';
import { type RedisServer, startRedisServer } from '../../support/redis-server.js';
import { createInstallation, type Installation } from './installation.js';
import { StemProgram } from './stem-program.js';

/** What all tests of the command line share: one installation, one Redis. */
export interface Stage {
  readonly installation: Installation;
  readonly redis: RedisServer;
  /** `stem` in a namespace that no other test uses. */
  fresh(env?: Readonly<Record<string, string>>): StemProgram;
  /**
   * Runs a command of the latest {@link fresh} in a terminal of 60 columns.
   *
   * @returns all that the terminal got to show.
   */
  inTerminal(line: string, env?: Readonly<Record<string, string>>): Promise<string>;
  /** The namespace of the latest {@link fresh}. */
  readonly namespace: string;
}

/** Sets the stage before all tests of a file, and clears it after them. */
export function useStage(): Stage {
  let installation: Installation | undefined;
  let redis: RedisServer | undefined;
  let namespaces = 0;

  beforeAll(async () => {
    [installation, redis] = await Promise.all([createInstallation(), startRedisServer()]);
  }, 180_000);

  afterAll(async () => {
    StemProgram.killAll();
    await redis?.stop();
    await installation?.remove();
  });

  const stage = {
    get installation() {
      return installation as Installation;
    },
    get redis() {
      return redis as RedisServer;
    },
    get namespace() {
      return `cli-${namespaces}`;
    },
    inTerminal(line: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
      const { program, folder } = stage.installation;
      const command = `stty cols 60; ${program} ${line}`;
      const all = {
        PATH: process.env.PATH,
        TERM: 'xterm-256color',
        STEM_BROKER_URL: stage.redis.url(),
        STEM_NAMESPACE: stage.namespace,
        ...env,
      };
      return new Promise((resolve) => {
        execFile('script', ['-qec', command, '/dev/null'], { cwd: folder, env: all }, (_, stdout) =>
          resolve(stdout),
        );
      });
    },
    fresh(env: Readonly<Record<string, string>> = {}) {
      namespaces++;
      return new StemProgram(stage.installation.program, stage.installation.folder, {
        STEM_BROKER_URL: stage.redis.url(),
        STEM_NAMESPACE: stage.namespace,
        ...env,
      });
    },
  };
  return stage;
}
