import type { StemOptions, WorkerOptions } from './stem-options.js';

/**
 * What whoever started this process wants of the Stems in it, over what their modules say: the command
 * line boots an application with its worker only, or with nothing that works.
 */
export interface ProcessOverrides {
  /** Whether workers run, whatever the modules say. */
  readonly worker: boolean;
  /** Whether Beats run, whatever the modules say. */
  readonly beat: boolean;
  /** Whether Stems connect at all. */
  readonly connect: boolean;
  /** The Stem that {@link options} are for. */
  readonly stem: string;
  readonly options: Pick<
    StemOptions,
    'broker' | 'resultBackend' | 'scheduleStore' | 'namespace' | 'partitions'
  > & { readonly worker?: WorkerOptions };
}

/** The same in every copy of this package: a process may load both the ESM and the CommonJS one. */
const KEY = Symbol.for('nestjs-stem:process-overrides');

type Holder = { [KEY]?: ProcessOverrides };

/** From now on, for Stems that are configured later. */
export function overrideProcess(overrides: ProcessOverrides): void {
  (globalThis as Holder)[KEY] = overrides;
}

export function processOverrides(): ProcessOverrides | undefined {
  return (globalThis as Holder)[KEY];
}

/** The options of a Stem with what is overridden; as they are where nothing is. */
export function withOverrides(given: StemOptions, defaultName: string): StemOptions {
  const overrides = processOverrides();
  if (!overrides) return given;
  const isMeant = (given.name ?? defaultName) === overrides.stem;
  const { worker: workerOptions = {}, ...options } = isMeant ? overrides.options : {};
  const own = typeof given.worker === 'object' ? given.worker : {};
  return {
    ...given,
    ...options,
    worker: overrides.worker ? { ...own, ...workerOptions } : false,
    beat: overrides.beat ? given.beat || true : false,
  };
}
