import { Injectable } from '@nestjs/common';
import { DiscoveryService, MetadataScanner, ModulesContainer } from '@nestjs/core';
import type { CodeSchedule } from '../beat/code-schedules.js';
import { requireTaskName } from '../core/define-task.js';
import { StemConfigError } from '../core/errors.js';
import type { RegisteredTask, TaskInvoker } from '../core/task-registry.js';
import { resolveTaskOptions } from '../core/task-options.js';
import { NestScheduleAdoption } from './nest-schedule.js';
import {
  readMetadata,
  SCHEDULE_METADATA,
  type ScheduleMetadata,
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

/** A method or class decorated with `@Schedule`, or taken over from @nestjs/schedule. */
export interface DiscoveredSchedule extends CodeSchedule {
  /** The Stem that its task names. */
  readonly stem: string | undefined;
}

/** What the decorators of an application say. */
export interface Discovery {
  readonly tasks: readonly RegisteredTask[];
  readonly schedules: readonly DiscoveredSchedule[];
  readonly listeners: readonly DiscoveredListener[];
}

type Wrapper = ReturnType<DiscoveryService['getProviders']>[number];

/** Finds the task handlers and signal listeners among an application's providers and controllers. */
@Injectable()
export class StemExplorer {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly modules: ModulesContainer,
  ) {}

  /** Name of the application's root module. */
  rootModuleName(): string {
    // Nest puts its own core first, then the root.
    for (const { name } of this.modules.values()) if (name !== 'InternalCoreModule') return name;
    return 'application';
  }

  /**
   * Takes the `@Cron` and `@Interval` methods of the application over. To be called while Nest still makes
   * providers: afterwards, @nestjs/schedule has seen them.
   *
   * @param onLeft told of methods that stay with @nestjs/schedule, and why.
   */
  adoptNestSchedule(onLeft: (name: string, reason: string) => void): NestScheduleAdoption {
    const adoption = new NestScheduleAdoption();
    for (const { metatype } of [
      ...this.discovery.getProviders(),
      ...this.discovery.getControllers(),
    ]) {
      const prototype: unknown = typeof metatype === 'function' ? metatype.prototype : undefined;
      if (typeof prototype !== 'object' || prototype === null) continue;
      for (const method of this.scanner.getAllMethodNames(prototype)) {
        const name = `${(metatype as { name: string }).name}.${method}`;
        const left = adoption.hide((prototype as Record<string, object>)[method] as object, name);
        if (left) onLeft(name, left.leftBecause);
      }
    }
    return adoption;
  }

  /** Provider instances, of all modules, that pass a test. */
  instances<T>(isWanted: (instance: unknown) => instance is T): T[] {
    const wrappers = this.discovery.getProviders().filter((wrapper) => !wrapper.isAlias);
    const instances: unknown[] = wrappers.map((wrapper): unknown => wrapper.instance);
    return [...new Set(instances.filter(isWanted))];
  }

  /**
   * Looks through the whole application; every provider must have been made.
   *
   * @param adoption methods taken over from @nestjs/schedule.
   * @throws {StemConfigError} naming the place of a bad option, or of a handler that cannot be called.
   */
  explore(adoption?: NestScheduleAdoption): Discovery {
    const tasks: RegisteredTask[] = [];
    const schedules: DiscoveredSchedule[] = [];
    const listeners: DiscoveredListener[] = [];
    const seen = new Set<object>();
    for (const wrapper of [...this.discovery.getProviders(), ...this.discovery.getControllers()]) {
      // A useExisting provider is another name for one that is listed anyway.
      if (wrapper.isAlias) continue;
      const isStatic = wrapper.isDependencyTreeStatic() && !wrapper.isTransient;
      const subject = isStatic ? subjectOf(wrapper) : subjectOfDynamic(wrapper);
      if (!subject || seen.has(subject.instance ?? subject.prototype)) continue;
      if (subject.instance) seen.add(subject.instance);
      for (const handler of this.#handlersOf(subject, wrapper, adoption)) {
        if (!subject.instance) throw notStatic(handler.place, wrapper);
        if ('listen' in handler) listeners.push(handler);
        else if ('definition' in handler) schedules.push(handler);
        else tasks.push(handler);
      }
    }
    return { tasks, schedules, listeners };
  }

  *#handlersOf(
    { instance, prototype }: Subject,
    wrapper: Wrapper,
    adoption: NestScheduleAdoption | undefined,
  ): Generator<RegisteredTask | DiscoveredSchedule | DiscoveredListener> {
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
    yield* schedulesOf(type, `${type.name}${module}`);
    for (const name of this.scanner.getAllMethodNames(prototype)) {
      const method = methodOf(name);
      const place = `${type.name}.${name}${module}`;
      for (const metadata of readMetadata<TaskMetadata>(TASK_METADATA, method)) {
        yield toTask(metadata, `@Task on ${place}`, invoker(name));
      }
      yield* schedulesOf(method, place);
      const adopted = adoption?.read(method, `${type.name}.${name}`);
      if (adopted) {
        const taken = `@nestjs/schedule on ${place}`;
        // Called as @nestjs/schedule would call it.
        const run = (): unknown => (instance as Record<string, () => unknown>)[name]?.();
        yield toTask({ name: adopted.task, options: {} }, taken, run);
        yield { definition: adopted.schedule, place: taken, stem: undefined };
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

/** The `@Schedule`s of one method or class. */
function* schedulesOf(target: object, place: string): Generator<DiscoveredSchedule> {
  for (const { spec, options } of readMetadata<ScheduleMetadata>(SCHEDULE_METADATA, target)) {
    const [task] = readMetadata<TaskMetadata>(TASK_METADATA, target);
    if (!task) {
      throw new StemConfigError({
        option: `@Schedule on ${place}`,
        value: 'without a @Task',
        expected: '@Task on the same method or class: it names what is to be run',
      });
    }
    yield {
      definition: { id: task.name, ...options, task: task.name, spec },
      place: `@Schedule on ${place}`,
      stem: task.options.stem,
    };
  }
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
