import { usageError } from '../../framework/cli-error.js';
import { texts, type ValuesOf } from '../../framework/options.js';
import type { Call, Report } from '../../framework/stem-command.js';

/** Queues may stand by themselves or, as in other commands, behind `--queue`. */
export const QUEUES = {
  queue: texts('-q, --queue <name>', 'the same as a queue without it'),
} as const;

/** The queues that a command is for; none is refused. */
export function queuesOf({
  args,
  options,
}: {
  readonly args: readonly string[];
  readonly options: ValuesOf<typeof QUEUES>;
}): readonly string[] {
  const queues = [...args, ...options.queue];
  if (queues.length === 0) throw usageError('Which queue? Name it, as in `stem queue list`.');
  return [...new Set(queues)];
}

/** Stops handing out tasks of queues, or hands them out again. */
export async function switchQueues(
  call: Call<typeof QUEUES>,
  command: 'pause' | 'resume',
): Promise<Report> {
  const names = queuesOf(call);
  const { queues } = (await call.session()).stem;
  await Promise.all(names.map((queue) => queues[command](queue)));
  return {
    json: names.map((queue) => ({ queue, paused: command === 'pause' })),
    text: () => names.map((queue) => `${queue}  ${command}d`).join('\n'),
  };
}
