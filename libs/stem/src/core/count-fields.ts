/**
 * Names of what is counted per task and queue. They are fields in the store, together with the task and
 * the queue; `broker/redis/scripts/include/count.lua` writes some of them, too.
 */
export const COUNT_LETTERS = {
  enqueued: 'e',
  started: 's',
  succeeded: 'S',
  failed: 'F',
  retried: 'R',
  cancelled: 'C',
  expired: 'E',
  leaseLost: 'L',
} as const;

/** What is counted per task and queue. */
export type CountName = keyof typeof COUNT_LETTERS;

const NAMES = new Map(
  Object.entries(COUNT_LETTERS).map(([name, letter]) => [letter as string, name as CountName]),
);

/** A duration in a histogram's bucket; `r` for run times, `w` for waiting times. */
export interface DurationField {
  readonly of: 'run' | 'wait';
  readonly bucket: number;
}

/** What a field counts, and of which task in which queue. */
export interface CountField {
  readonly task: string;
  readonly queue: string;
  readonly what: CountName | DurationField;
}

export function countField(name: CountName, task: string, queue: string): string {
  return `${COUNT_LETTERS[name]}\t${task}\t${queue}`;
}

export function durationField(
  of: DurationField['of'],
  bucket: number,
  task: string,
  queue: string,
): string {
  return `${of === 'run' ? 'r' : 'w'}${bucket}\t${task}\t${queue}`;
}

/** Reads a field; nothing when it is none that is known here. Names hold no tabs. */
export function readCountField(field: string): CountField | undefined {
  const [what = '', task, queue, ...rest] = field.split('\t');
  if (task === undefined || queue === undefined || rest.length > 0) return undefined;
  const name = NAMES.get(what);
  if (name) return { task, queue, what: name };
  const match = /^([rw])(\d{1,3})$/.exec(what);
  if (!match) return undefined;
  const of = match[1] === 'r' ? 'run' : 'wait';
  return { task, queue, what: { of, bucket: Number(match[2]) } };
}
