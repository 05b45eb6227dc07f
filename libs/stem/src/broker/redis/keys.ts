/**
 * The keys and channels that TypeScript uses itself. The whole map, with the meaning of every key, is
 * `scripts/include/keys.lua`; this file must agree with it.
 */

/** Keys of one partition. Their common hash tag keeps them in one slot of a Redis Cluster. */
export class PartitionKeys {
  /** `{namespace:partition}:`, the first and only key that scripts are given. */
  readonly prefix: string;

  constructor(namespace: string, partition: number) {
    this.prefix = `{${namespace}:${partition}}:`;
  }

  /** Set of every queue ever used. */
  get queues(): string {
    return `${this.prefix}queues`;
  }

  /** Hash of the last heartbeat of every process. */
  get processes(): string {
    return `${this.prefix}processes`;
  }

  /** Sorted set of processes by the time at which they are forgotten. */
  get processEnds(): string {
    return `${this.prefix}processes:ends`;
  }

  /** Stream of events for operators. */
  get events(): string {
    return `${this.prefix}events`;
  }

  /** Hash of what was counted in the minute that began at `minute`. */
  counts(minute: number): string {
    return `${this.prefix}counts:${minute}`;
  }

  /** Channel on which Beats are told that a schedule became due earlier than any before. */
  get schedulesChannel(): string {
    return `${this.prefix}schedules`;
  }

  /** Tasks of a batch that is too large for one script call, or what became of them. `piece` is from 1. */
  piece(batch: string, piece: number): string {
    return `${this.prefix}b:${batch}:${piece}`;
  }

  /** Hash with the priorities that a queue has used, and more. */
  meta(queue: string): string {
    return `${this.prefix}m:${queue}`;
  }

  /** List with at most one wake-up marker. */
  wake(queue: string): string {
    return `${this.prefix}w:${queue}`;
  }

  /** Sorted set of dead letters by time of death. */
  deadLetters(queue: string): string {
    return `${this.prefix}f:${queue}`;
  }
}

/** Channel on which one client is told of ended tasks. */
export function endedChannel(namespace: string, clientId: string): string {
  return `${namespace}:ended:${clientId}`;
}

/** Channel on which consumers are told of requests to stop a running task. */
export function cancelChannel(namespace: string): string {
  return `${namespace}:cancel`;
}

/** Channel on which workers are told what to do. */
export function controlChannel(namespace: string): string {
  return `${namespace}:control`;
}

/** Channel on which the answers to one request are sent. */
export function controlAnswerChannel(namespace: string, requestId: string): string {
  return `${namespace}:control:${requestId}`;
}

/** Key of a result that is kept apart from its task's record. */
export function resultKey(namespace: string, key: string): string {
  return `${namespace}:result:${key}`;
}
