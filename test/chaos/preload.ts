/**
 * Loaded before the library in every process of the chaos test: arms one fault point, and moves the
 * process's clock.
 */
import type { FaultPoint } from '../../libs/stem/src/core/fault-points.js';
import { Ledger } from './ledger.js';

const {
  CHAOS_LEDGER = '',
  CHAOS_PROCESS = '',
  CHAOS_POINT,
  CHAOS_CLOCK_SHIFT_MS = '0',
} = process.env;

const ledger = new Ledger(CHAOS_LEDGER, CHAOS_PROCESS);
const passed = new Set<FaultPoint>();

const hook = (point: FaultPoint): void => {
  if (!passed.has(point)) {
    passed.add(point);
    ledger.write({ event: 'passed', point });
  }
  if (point === CHAOS_POINT) {
    ledger.write({ event: 'died', point });
    process.kill(process.pid, 'SIGKILL');
  }
};
// Under its name, since the module that exports the key looks for the hook when it is loaded.
Object.assign(globalThis, { [Symbol.for('nestjs-stem.fault-hook')]: hook });

// However the test ends, its processes do not stay.
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
}, 1_000).unref();

const shiftMs = Number(CHAOS_CLOCK_SHIFT_MS);
if (shiftMs !== 0) {
  const RealDate = Date;
  const now = (): number => RealDate.now() + shiftMs;
  const ShiftedDate = new Proxy(RealDate, {
    construct: (target, args: unknown[], newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as object,
    get: (target, key, receiver) =>
      key === 'now' ? now : (Reflect.get(target, key, receiver) as unknown),
  });
  globalThis.Date = ShiftedDate;
}
