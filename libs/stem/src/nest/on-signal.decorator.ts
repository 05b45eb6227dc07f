import { StemConfigError } from '../core/errors.js';
import { nearestNames } from '../core/names.js';
import type { SignalListener, SignalName } from '../core/signals.js';
import { addMetadata, SIGNAL_METADATA, type SignalMetadata } from './stem.constants.js';

/** Narrows {@link OnSignal}. */
export interface OnSignalOptions {
  /** Only signals about this task, given by name or definition. Default: all tasks. */
  readonly task?: string | { readonly name: string };
  /** Only signals of the Stem of this name, where an application has several. Default: all of them. */
  readonly stem?: string;
}

/** Every signal once: the compiler refuses a list that lacks one. */
const SIGNAL_NAMES = Object.keys({
  beforeTaskPublish: true,
  afterTaskPublish: true,
  taskReceived: true,
  taskPrerun: true,
  taskSucceeded: true,
  taskFailed: true,
  taskRetry: true,
  taskRevoked: true,
  taskPostrun: true,
  workerInit: true,
  workerReady: true,
  workerStopping: true,
  workerShutdown: true,
  workerHeartbeat: true,
  scheduleEntryDue: true,
  scheduleEntryDispatched: true,
  scheduleEntryFailed: true,
  controlCommandReceived: true,
  controlCommandCompleted: true,
} satisfies Record<SignalName, true>);

/** Decorates a method that takes the payload of signal `N`. */
export type SignalDecorator<N extends SignalName> = <T extends SignalListener<N>>(
  target: object,
  method: string | symbol,
  descriptor: TypedPropertyDescriptor<T>,
) => void;

/**
 * Calls a method of a provider or controller whenever something happens to a task or worker of this
 * process. What it throws is logged and changes nothing; a promise it returns is awaited.
 *
 * @throws {StemConfigError} when there is no such signal.
 */
export function OnSignal<N extends SignalName>(
  name: N,
  { task, stem }: OnSignalOptions = {},
): SignalDecorator<N> {
  if (!SIGNAL_NAMES.includes(name)) {
    const [nearest] = nearestNames(String(name), SIGNAL_NAMES, 1);
    throw new StemConfigError({
      option: 'The signal of @OnSignal',
      value: name,
      expected:
        `one of ${SIGNAL_NAMES.join(', ')}` +
        (nearest === undefined ? '' : ` (did you mean '${nearest}'?)`),
    });
  }
  const metadata: SignalMetadata = {
    name,
    filter: task === undefined ? {} : { task: typeof task === 'string' ? task : task.name },
    stem,
  };
  return (_target, _method, descriptor) =>
    addMetadata(SIGNAL_METADATA, metadata, descriptor.value as object);
}
