import { Injectable } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { requireTaskName } from '../core/define-task.js';
import { StemConfigError } from '../core/errors.js';
import type { RegisteredTask, TaskInvoker } from '../core/task-registry.js';
import { resolveTaskOptions } from '../core/task-options.js';
import {
  readMetadata,
  SIGNAL_METADATA,
  type SignalMetadata,
  TASK_METADATA,
  type TaskMetadata,
} from './stem.constants.js';

/** A method decorated with `@OnSignal`. */
export interface DiscoveredListener extends SignalMetadata {
  /** Where it is, for errors: `Audit.onFailure in AppModule`. */
  readonly place: string;
  readonly listen: (payload: unknown) => unknown;
}

/** What the decorators of an application say. */
export interface Discovery {
  readonly tasks: readonly RegisteredTask[];
  readonly listeners: readonly DiscoveredListener[];
}

type Wrapper = ReturnType<DiscoveryService['getProviders']>[number];

/** Finds the task handlers and signal listeners among an application's providers and controllers. */
@Injectable()
export class StemExplorer {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
  ) {}

  /** Provider instances, of all modules, that pass a test. */
  instances<T>(isWanted: (instance: unknown) => instance is T): T[] {
    const wrappers = this.discovery.getProviders().filter((wrapper) => !wrapper.isAlias);
    const instances: unknown[] = wrappers.map((wrapper): unknown => wrapper.instance);
    return [...new Set(instances.filter(isWanted))];
  }

  /**
   * Looks through the whole application; every provider must have been made.
   *
   * @throws {StemConfigError} naming the place of a bad option, or of a handler that cannot be called.
   */
  explore(): Discovery {
    const tasks: RegisteredTask[] = [];
    const listeners: DiscoveredListener[] = [];
    const seen = new Set<object>();
    for (const wrapper of [...this.discovery.getProviders(), ...this.discovery.getControllers()]) {
      // A useExisting provider is another name for one that is listed anyway.
      if (wrapper.isAlias) continue;
      const isStatic = wrapper.isDependencyTreeStatic() && !wrapper.isTransient;
      const subject = isStatic ? subjectOf(wrapper) : subjectOfDynamic(wrapper);
      if (!subject || seen.has(subject.instance ?? subject.prototype)) continue;
      if (subject.instance) seen.add(subject.instance);
      for (const handler of this.#handlersOf(subject, wrapper)) {
        if (!subject.instance) throw notStatic(handler.place, wrapper);
        if ('listen' in handler) listeners.push(handler);
        else tasks.push(handler);
      }
    }
    return { tasks, listeners };
  }

  *#handlersOf(
    { instance, prototype }: Subject,
    wrapper: Wrapper,
  ): Generator<RegisteredTask | DiscoveredListener> {
    const type = prototype.constructor as { readonly name: string };
    const module = wrapper.host?.name === undefined ? '' : ` in ${wrapper.host.name}`;
    const methodOf = (name: string): ((...args: unknown[]) => unknown) =>
      (prototype as Record<string, (...args: unknown[]) => unknown>)[name] as never;
    const invoker =
      (method: string): TaskInvoker =>
      (args, context) =>
        // Looked up on each call, so that a spy or a subclass is honoured.
        (instance as Record<string, TaskInvoker>)[method]?.(args, context);

    for (const metadata of readMetadata<TaskMetadata>(TASK_METADATA, type)) {
      const place = `@Task on ${type.name}${module}`;
      if (typeof methodOf('call') !== 'function') {
        throw new StemConfigError({
          option: place,
          value: 'a class without a method `call`',
          expected: 'a class that implements TaskHandler, or @Task on one of its methods',
        });
      }
      yield toTask(metadata, place, invoker('call'));
    }
    for (const name of this.scanner.getAllMethodNames(prototype)) {
      const method = methodOf(name);
      const place = `${type.name}.${name}${module}`;
      for (const metadata of readMetadata<TaskMetadata>(TASK_METADATA, method)) {
        yield toTask(metadata, `@Task on ${place}`, invoker(name));
      }
      for (const metadata of readMetadata<SignalMetadata>(SIGNAL_METADATA, method)) {
        const listen = (payload: unknown): unknown =>
          (instance as Record<string, (payload: unknown) => unknown>)[name]?.(payload);
        yield { ...metadata, place: `@OnSignal on ${place}`, listen };
      }
    }
  }
}

/** An instance and where its methods are; without instance where there is one per request. */
interface Subject {
  readonly instance: object | undefined;
  readonly prototype: object;
}

function subjectOf(wrapper: Wrapper): Subject | undefined {
  const instance: unknown = wrapper.instance;
  if (typeof instance !== 'object' || instance === null) return undefined;
  const prototype = Object.getPrototypeOf(instance) as object | null;
  return prototype && prototype !== Object.prototype ? { instance, prototype } : undefined;
}

function subjectOfDynamic(wrapper: Wrapper): Subject | undefined {
  // The instance of such a provider is an empty shell, and that of a factory is not known at all.
  if (wrapper.isNotMetatype) return undefined;
  const prototype: unknown = wrapper.metatype?.prototype;
  return typeof prototype === 'object' && prototype !== null
    ? { instance: undefined, prototype }
    : undefined;
}

function notStatic(place: string, wrapper: Wrapper): StemConfigError {
  const scope = wrapper.isTransient ? 'transient' : 'request-scoped';
  return new StemConfigError({
    option: place,
    value: `in a ${scope} provider`,
    expected:
      'a provider of the default scope: request-scoped and transient handlers, and handlers that ' +
      'depend on request-scoped providers, are not supported yet',
  });
}

function toTask(
  { name, options }: TaskMetadata,
  place: string,
  invoke: TaskInvoker,
): RegisteredTask {
  requireTaskName(name, place);
  return {
    name,
    options: resolveTaskOptions(options, `${place} ('${name}')`),
    place,
    invoke,
  };
}
