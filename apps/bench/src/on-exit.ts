import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:os';

/** Exit codes of a shell for a program that a signal ended begin here. */
const SIGNAL_EXIT_CODES = 128;

const acts = new Set<() => void>();

/**
 * Has something done when the process ends, also by SIGINT, SIGTERM or SIGHUP: no server, no process and no temporary folder
 * must outlive a benchmark that is interrupted.
 *
 * @param act must do it at once: nothing asynchronous is waited for.
 * @returns call it when it need not be done any more.
 */
export function onExit(act: () => void): () => void {
  listen();
  acts.add(act);
  return () => acts.delete(act);
}

/**
 * Ends a child when the process ends.
 *
 * @param signal SIGTERM for one that has to clear away what is its own.
 */
export function endOnExit(child: ChildProcess, signal: 'SIGKILL' | 'SIGTERM'): void {
  child.once(
    'exit',
    onExit(() => child.kill(signal)),
  );
}

let isListening = false;

function listen(): void {
  if (isListening) return;
  isListening = true;
  process.once('exit', () => {
    // The newest first: who writes into a folder is ended before the folder is deleted.
    for (const act of [...acts].toReversed()) {
      try {
        act();
      } catch (error) {
        console.error(error);
      }
    }
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => process.exit(SIGNAL_EXIT_CODES + constants.signals[signal]));
  }
}
