import type { NewTask } from '../broker/broker.js';
import { isTaskDefinition, type TaskDefinition } from '../core/define-task.js';
import { parseDuration } from '../core/duration.js';
import { encodeEnvelope } from '../core/envelope.js';
import { EnqueueOptionError, StemConfigError, type TaskCoordinates } from '../core/errors.js';
import { toJson } from '../core/json.js';
import { faultInName, MAX_ID_LENGTH, nearestNames } from '../core/names.js';
import type { RegisteredTask, TaskRegistry } from '../core/task-registry.js';
import {
  PRIORITY_RANGE,
  resolveTaskOptions,
  type ResolvedTaskOptions,
} from '../core/task-options.js';
import type { EnqueueOptions, TaskReference } from './enqueue-options.js';
import { checkHeaders } from './headers.js';
import { uniqueClaim } from './unique-key.js';

/** What a client has to know to prepare tasks. */
export interface PreparationRules {
  readonly defaultQueue: string;
  readonly allowUnknownTasks: boolean;
  readonly partitions: number;
  readonly limits: { readonly argsBytes: number; readonly headersBytes: number };
}

/** A task as it was prepared, with what is told of it besides. */
export interface PreparedTask {
  readonly name: string;
  readonly task: NewTask;
  readonly args: unknown;
  readonly headers: Readonly<Record<string, string>>;
}

/** Where tasks of one name go; found out once. */
interface Route {
  readonly name: string;
  /** For errors about a task of this name. */
  readonly where: TaskCoordinates;
  readonly queue: string;
  readonly options: ResolvedTaskOptions;
  /** What the registry knew when the route was found out. */
  readonly known: RegisteredTask | undefined;
}

/** Names that nothing defines may be without number; only so many routes are remembered. */
const MAX_ROUTES = 10_000;
const NO_OPTIONS: EnqueueOptions = Object.freeze({});
const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({});

const KNOWN_OPTIONS = {
  headers: true,
  queue: true,
  priority: true,
  delay: true,
  at: true,
  expires: true,
  id: true,
  maxRetries: true,
  meta: true,
  unique: true,
  uniqueFor: true,
  uniqueKey: true,
  resultTtl: true,
} as const satisfies Record<keyof EnqueueOptions, true>;

/**
 * Turns what a user enqueues into what a broker accepts: everything is checked, and encoded once. This
 * is the hot path of a producer, so an option that is absent costs one comparison.
 */
export class TaskPreparer {
  readonly #registry: TaskRegistry;
  readonly #rules: PreparationRules;
  readonly #newTaskId: (key?: string) => string;
  readonly #routes = new Map<string, Route>();
  readonly #definitionRoutes = new WeakMap<TaskDefinition, Route>();
  readonly #goodQueues = new Set<string>();

  constructor(
    registry: TaskRegistry,
    rules: PreparationRules,
    newTaskId: (key?: string) => string,
  ) {
    this.#registry = registry;
    this.#rules = rules;
    this.#newTaskId = newTaskId;
  }

  /**
   * @param idFor makes the id, for tasks that get neither a new one nor one given by a user; it is told
   *   the unique claim, with which the task has to share its partition.
   * @throws {UnknownTaskError} when nothing here defines the task.
   * @throws {TaskArgsError} when arguments, headers or metadata cannot be sent.
   * @throws {EnqueueOptionError} naming the option at fault.
   */
  prepare(
    task: TaskReference,
    args: unknown,
    options: EnqueueOptions = NO_OPTIONS,
    idFor?: (uniqueKey: string | undefined) => string,
  ): PreparedTask {
    const route = this.#routeOf(task);
    const { name, where } = route;
    if (options !== NO_OPTIONS) refuseUnknown(options, where);
    // Like an empty request body: a handler may take its arguments apart without looking.
    const argsJson =
      args === undefined ? '{}' : toJson(args, 'args', this.#rules.limits.argsBytes, where);

    const queue =
      options.queue === undefined ? route.queue : this.#checkQueue(options.queue, where);
    const priority =
      options.priority === undefined
        ? route.options.priority
        : whole(options.priority, 'priority', ...PRIORITY_RANGE, where);
    const maxRetries =
      options.maxRetries === undefined
        ? undefined
        : whole(options.maxRetries, 'maxRetries', 0, 1_000_000, where);
    const resultTtlMs =
      options.resultTtl === undefined
        ? undefined
        : durationMs(options.resultTtl, 'resultTtl', 0, where);

    const { headers, meta, expires } = options;
    if (headers !== undefined) checkHeaders(headers, this.#rules.limits.headersBytes, where);
    if (meta !== undefined) this.#checkMeta(meta, where);

    let expiresInMs = route.options.expiresMs;
    let expiresAt: number | undefined;
    if (expires !== undefined) {
      expiresInMs = undefined;
      if (expires instanceof Date) expiresAt = time(expires, 'expires', where);
      else expiresInMs = durationMs(expires, 'expires', 1, where);
    }

    const unique = this.#uniqueOf(route, args, argsJson, queue, options, where);
    const id =
      options.id === undefined
        ? (idFor ?? this.#newTaskId)(unique?.key)
        : this.#checkId(options.id, unique !== undefined, where);

    return {
      name,
      task: {
        id,
        idIsNew: options.id === undefined && !idFor,
        queue,
        priority,
        envelope: encodeEnvelope({
          id,
          name,
          argsJson,
          headers,
          meta,
          maxRetries,
          expires: expiresInMs !== undefined || expiresAt !== undefined,
          uniqueKey: unique?.key,
          resultTtlMs,
        }),
        delayMs: delayOf(options, where),
        dueAt: options.at === undefined ? undefined : time(options.at, 'at', where),
        expiresInMs,
        expiresAt,
        unique,
      },
      args: args === undefined ? {} : args,
      headers: headers ?? NO_HEADERS,
    };
  }

  #routeOf(task: TaskReference): Route {
    const name = typeof task === 'string' ? task : this.#nameOf(task);
    const known = this.#registry.get(name);
    if (!known && typeof task !== 'string') return this.#routeOfDefinition(task);
    const remembered = this.#routes.get(name);
    if (remembered && remembered.known === known) return remembered;
    const route = this.#findRoute(task, name, known);
    if (this.#routes.size < MAX_ROUTES) this.#routes.set(name, route);
    return route;
  }

  /** Whoever has the definition need not register it. */
  #routeOfDefinition(task: TaskDefinition): Route {
    const remembered = this.#definitionRoutes.get(task);
    if (remembered) return remembered;
    const route = this.#findRoute(task, task.name, undefined);
    this.#definitionRoutes.set(task, route);
    return route;
  }

  #findRoute(task: TaskReference, name: string, known: RegisteredTask | undefined): Route {
    let options: ResolvedTaskOptions;
    if (known) {
      options = known.options;
    } else if (typeof task !== 'string') {
      options = resolveTaskOptions(task.options, `defineTask('${name}')`);
    } else {
      if (!this.#rules.allowUnknownTasks) this.#registry.require(name);
      const fault = faultInName(name);
      if (fault) throw new EnqueueOptionError(`A task name must be ${fault}.`);
      options = resolveTaskOptions({}, name);
    }
    const queue = options.queue ?? this.#rules.defaultQueue;
    return { name, where: { taskName: name }, known, options, queue };
  }

  #nameOf(task: unknown): string {
    if (isTaskDefinition(task)) return task.name;
    throw new EnqueueOptionError(
      'The task to enqueue must be a name or a definition made by defineTask.',
    );
  }

  #checkQueue(queue: unknown, where: TaskCoordinates): string {
    if (this.#goodQueues.has(queue as string)) return queue as string;
    const fault = faultInName(queue);
    if (fault) throw refusal('queue', queue, `a name that is ${fault}`, where);
    if (this.#goodQueues.size < MAX_ROUTES) this.#goodQueues.add(queue as string);
    return queue as string;
  }

  #checkMeta(meta: unknown, where: TaskCoordinates): void {
    if (typeof meta !== 'object' || meta === null || Array.isArray(meta)) {
      throw refusal('meta', meta, 'an object', where);
    }
    toJson(meta, 'meta', this.#rules.limits.headersBytes, where);
  }

  #checkId(id: unknown, unique: boolean, where: TaskCoordinates): string {
    const fault = faultInName(id, MAX_ID_LENGTH);
    if (fault) throw refusal('id', id, `a text that is ${fault}`, where);
    if (unique && this.#rules.partitions > 1) {
      // The id decides the partition, the claim would have to decide it too.
      throw refusal(
        'id',
        id,
        'to be left out for a unique task when `partitions` is over 1',
        where,
      );
    }
    return id as string;
  }

  #uniqueOf(
    route: Route,
    args: unknown,
    argsJson: string,
    queue: string,
    options: EnqueueOptions,
    where: TaskCoordinates,
  ): NewTask['unique'] {
    const { unique, uniqueFor, uniqueKey } = options;
    const wanted =
      unique ?? (uniqueFor !== undefined || uniqueKey !== undefined || route.options.unique);
    if (typeof wanted !== 'boolean') throw refusal('unique', unique, 'true or false', where);
    if (!wanted) return undefined;
    const own = uniqueKey ?? route.options.uniqueKey;
    const key: unknown = typeof own === 'function' ? own(args as never) : own;
    if (key !== undefined && typeof key !== 'string') {
      throw refusal('uniqueKey', key, 'a text, or a function that returns one', where);
    }
    return {
      key: uniqueClaim({ name: route.name, queue, argsJson, key }),
      forMs:
        uniqueFor === undefined
          ? route.options.uniqueForMs
          : durationMs(uniqueFor, 'uniqueFor', 1, where),
    };
  }
}

function delayOf({ delay, at }: EnqueueOptions, where: TaskCoordinates): number | undefined {
  if (delay === undefined) return undefined;
  if (at !== undefined) throw refusal('delay', delay, 'not to come together with `at`', where);
  return durationMs(delay, 'delay', 0, where) || undefined;
}

function refuseUnknown(options: object, where: TaskCoordinates): void {
  for (const key in options) {
    if (Object.hasOwn(KNOWN_OPTIONS, key)) continue;
    const known = Object.keys(KNOWN_OPTIONS);
    const [nearest] = nearestNames(key, known, 1);
    throw new EnqueueOptionError(
      `'${key}' is no enqueue option${nearest === undefined ? '' : `; did you mean '${nearest}'?`} ` +
        `Known are ${known.join(', ')}.`,
      where,
    );
  }
}

function whole(
  value: unknown,
  option: string,
  min: number,
  max: number,
  where: TaskCoordinates,
): number {
  if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) {
    return value as number;
  }
  throw refusal(option, value, `a whole number from ${min} to ${max}`, where);
}

function durationMs(value: unknown, option: string, minMs: number, where: TaskCoordinates): number {
  try {
    return parseDuration(value, option, { minMs });
  } catch (error) {
    if (!(error instanceof StemConfigError)) throw error;
    throw new EnqueueOptionError(error.message, where);
  }
}

function time(value: unknown, option: string, where: TaskCoordinates): number {
  const ms = value instanceof Date ? value.getTime() : Number.NaN;
  if (Number.isNaN(ms)) throw refusal(option, value, 'a valid Date', where);
  return ms;
}

function refusal(
  option: string,
  value: unknown,
  expected: string,
  where: TaskCoordinates,
): EnqueueOptionError {
  const shown = typeof value === 'string' ? `'${value.slice(0, 120)}'` : String(value);
  return new EnqueueOptionError(
    `The enqueue option ${option} is ${shown}; expected ${expected}.`,
    where,
  );
}
