/**
 * Imported before the library by programs of a `WorkerProcess` that are to be killed at a certain point of the
 * code: says so, and ends the process there with SIGKILL.
 */
import type { FaultPoint } from '../../libs/stem/src/core/fault-points.js';

/** Where a program is to be killed. */
export interface DeathOptions {
  readonly dieAt?: FaultPoint;
  /** At which pass of the point, from 1. Default the first. */
  readonly dieAtPass?: number;
}

const { dieAt, dieAtPass = 1 } = JSON.parse(process.argv[1] ?? '{}') as DeathOptions;
let passes = 0;

const hook = (point: FaultPoint): void => {
  if (point !== dieAt || ++passes < dieAtPass) return;
  process.stdout.write(`dies at ${point}\n`);
  process.kill(process.pid, 'SIGKILL');
};
// Under its name, since the module that exports the key looks for the hook when it is loaded.
Object.assign(globalThis, { [Symbol.for('nestjs-stem.fault-hook')]: hook });
