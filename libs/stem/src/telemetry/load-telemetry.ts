import { StemConfigError } from '../core/errors.js';
import type { Telemetry, TelemetryParts } from './telemetry.js';

/** Where @opentelemetry/api keeps what an SDK has registered: one place for all copies of its version 1. */
const GLOBAL = Symbol.for('opentelemetry.js.api.1');

/**
 * Begins to trace and measure by OpenTelemetry.
 *
 * @param wanted `undefined`: where an SDK has been registered; then nothing is loaded in other processes.
 * @throws {StemConfigError} when it is wanted, and @opentelemetry/api is not installed.
 */
export async function loadTelemetry(
  wanted: boolean | undefined,
  parts: TelemetryParts,
): Promise<Telemetry | undefined> {
  const registered = (globalThis as Record<symbol, unknown>)[GLOBAL] as
    { readonly trace?: unknown; readonly metrics?: unknown } | undefined;
  const traces = wanted ?? registered?.trace !== undefined;
  const measures = wanted ?? registered?.metrics !== undefined;
  if (!traces && !measures) return undefined;
  try {
    const { OpenTelemetry } = await import('./open-telemetry.js');
    return new OpenTelemetry({ ...parts, traces, measures });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const missing = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
    if (!missing || !/@opentelemetry/.test(message)) throw error;
    throw new StemConfigError(
      {
        option: 'The package @opentelemetry/api',
        expected: 'to be installed, since `telemetry` is true: npm install @opentelemetry/api',
      },
      { cause: error },
    );
  }
}
