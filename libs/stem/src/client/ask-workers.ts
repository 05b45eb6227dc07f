import { nanoid } from 'nanoid';
import type { ControlAnswer, ControlBus } from '../broker/control-bus.js';
import type { ControlCommandName, ControlCommands } from '../core/control.js';

/** What became of a command at one worker. */
export interface WorkerReply<T> {
  /** The worker's id; of one that is not known, what it was addressed by. */
  readonly worker: string;
  /** Its name, where it is known. */
  readonly name: string | undefined;
  /** `no-answer`: nothing was heard of it in time. It may have carried the command out all the same. */
  readonly status: 'ok' | 'error' | 'no-answer';
  /** Only with `ok`. */
  readonly answer: T | undefined;
  /** Why it did not do it; only with `error`. */
  readonly error: string | undefined;
  /** How long the answer took, or was waited for. */
  readonly tookMs: number;
}

/** A worker as its heartbeat tells of it. */
export interface KnownWorker {
  readonly id: string;
  readonly name: string;
  readonly isAlive: boolean;
}

/** A command, whom it is for, and how long answers are waited for. */
export interface Inquiry<C extends ControlCommandName> {
  readonly command: C;
  readonly args: ControlCommands[C]['args'];
  /** Ids or names; absent: everybody. */
  readonly workers: readonly string[] | undefined;
  readonly timeoutMs: number;
  readonly known: () => Promise<readonly KnownWorker[]>;
  /** Done as soon as the command is on its way. */
  readonly afterSending?: (() => Promise<void>) | undefined;
}

type Reply<C extends ControlCommandName> = WorkerReply<ControlCommands[C]['answer']>;

/** Sends a command to workers and waits for their answers, no longer than for the last one expected. */
export async function askWorkers<C extends ControlCommandName>(
  bus: ControlBus,
  inquiry: Inquiry<C>,
): Promise<Reply<C>[]> {
  const { command, args, workers, timeoutMs, known, afterSending } = inquiry;
  const replies = new Map<string, Reply<C>>();
  const sentMonotonicMs = performance.now();
  const tookMs = (): number => Math.round(performance.now() - sentMonotonicMs);
  let hear: () => void = () => undefined;

  const sent = bus.request(
    {
      requestId: nanoid(),
      command,
      ...(workers ? { workers } : {}),
      args: args,
    },
    (answer) => {
      if (replies.has(answer.worker)) return;
      replies.set(answer.worker, replyOf<C>(answer, tookMs()));
      hear();
    },
  );
  // Who is known only helps to know for whom to wait.
  const [request, everybody] = await Promise.all([sent, known().catch(() => [])]);
  try {
    const addressed = everybody.filter((worker) => isAddressed(worker, workers));
    const strangers = (workers ?? []).filter(
      (text) => !addressed.some(({ id, name }) => id === text || name === text),
    );
    const isComplete = (): boolean => {
      if (request.listeners === 0) return true;
      if (!addressed.every(({ id, isAlive }) => !isAlive || replies.has(id))) return false;
      return workers
        ? strangers.every((text) => replies.has(text))
        : replies.size >= request.listeners;
    };
    const answered = new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.max(timeoutMs - tookMs(), 0));
      hear = () => {
        if (!isComplete()) return;
        clearTimeout(timer);
        resolve();
      };
      hear();
    });
    await Promise.all([answered, afterSending?.()]);

    for (const { id, name } of addressed) {
      if (!replies.has(id)) replies.set(id, noAnswer(id, name, tookMs()));
    }
    const heard = [...replies.values()];
    for (const text of strangers) {
      if (heard.some(({ worker, name }) => worker === text || name === text)) continue;
      replies.set(text, noAnswer(text, undefined, tookMs()));
    }
  } finally {
    request.close();
  }
  return [...replies.values()].sort((a, b) => compare(a.name ?? a.worker, b.name ?? b.worker));
}

function isAddressed({ id, name }: KnownWorker, workers: readonly string[] | undefined): boolean {
  return !workers || workers.includes(id) || workers.includes(name);
}

function replyOf<C extends ControlCommandName>(answer: ControlAnswer, tookMs: number): Reply<C> {
  const { worker, name, status, error } = answer;
  return {
    worker,
    name,
    status,
    answer:
      status === 'ok' ? (answer.answer as unknown as ControlCommands[C]['answer']) : undefined,
    error: status === 'error' ? (error ?? 'it did not say why') : undefined,
    tookMs,
  };
}

function noAnswer<T>(worker: string, name: string | undefined, tookMs: number): WorkerReply<T> {
  return { worker, name, status: 'no-answer', answer: undefined, error: undefined, tookMs };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
