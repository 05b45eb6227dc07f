import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { StemClient, type TaskState, TERMINAL_STATES } from 'nestjs-stem';
import { type Greeting, SendGreeting } from './greeting.tasks.js';

export interface GroupStatus {
  readonly groupId: string;
  readonly count: number;
  /** How many tasks are in each state; `forgotten` are those whose record has been deleted. */
  readonly states: Partial<Record<TaskState | 'forgotten', number>>;
  /** In the order of the names; `null` where there is none (yet). */
  readonly results: readonly (Greeting | null)[];
  /** Whether every task has ended. */
  readonly done: boolean;
}

const GROUPS_KEPT = 1_000;
const ENDED: readonly string[] = [...TERMINAL_STATES, 'forgotten'];

/**
 * Greetings that are enqueued and looked at together. Which tasks make up a group is known to this
 * process only, and only of the latest groups.
 */
@Injectable()
export class GroupsService {
  readonly #members = new Map<string, readonly string[]>();

  constructor(private readonly stem: StemClient) {}

  /** Enqueues a greeting for each name: all of them or, if that fails, none. */
  async enqueue(names: readonly string[]): Promise<string> {
    const tasks = await this.stem.enqueueMany(
      names.map((name) => ({ task: SendGreeting, args: { name } })),
    );
    const groupId = randomUUID();
    this.#members.set(
      groupId,
      tasks.map((task) => task.id),
    );
    for (const oldest of this.#members.keys()) {
      if (this.#members.size <= GROUPS_KEPT) break;
      this.#members.delete(oldest);
    }
    return groupId;
  }

  async status(groupId: string): Promise<GroupStatus | undefined> {
    const ids = this.#members.get(groupId);
    if (!ids) return undefined;
    const tasks = await Promise.all(ids.map((id) => this.stem.task<Greeting>(id).status()));
    const states: GroupStatus['states'] = {};
    for (const task of tasks) {
      const state = task?.state ?? 'forgotten';
      states[state] = (states[state] ?? 0) + 1;
    }
    return {
      groupId,
      count: ids.length,
      states,
      results: tasks.map((task) => task?.result ?? null),
      done: Object.keys(states).every((state) => ENDED.includes(state)),
    };
  }
}
