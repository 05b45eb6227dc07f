import type { Report } from './report.js';

/** What a ratio of Stem to BullMQ, or a counted figure of Stem alone, has to be. */
interface Floor {
  readonly measure: string;
  readonly of: 'ratio' | 'count';
  readonly atLeast?: number;
  readonly atMost?: number;
}

/**
 * Gross floors, far from what is usually measured: they tell a broken fast path from a busy machine.
 * Commands and bytes are counted, not timed, and so their limits are close.
 */
const FLOORS: readonly Floor[] = [
  { measure: 'processing-10.tasksPerSecond', of: 'ratio', atLeast: 1.5 },
  { measure: 'processing-100.tasksPerSecond', of: 'ratio', atLeast: 2 },
  { measure: 'enqueue-concurrent.tasksPerSecond', of: 'ratio', atLeast: 2 },
  { measure: 'enqueue-bulk.tasksPerSecond', of: 'ratio', atLeast: 2 },
  { measure: 'memory.bytes', of: 'ratio', atMost: 0.6 },
  { measure: 'memory.bytes', of: 'count', atMost: 330 },
  { measure: 'processing-100.redisCommands', of: 'count', atMost: 1.5 },
  { measure: 'enqueue-bulk.redisCommands', of: 'count', atMost: 2.5 },
  { measure: 'idle.commandsPerSecond', of: 'count', atMost: 6 },
];

/** One line for each floor that was missed. Rows that were not measured are not judged. */
export function missedFloors({ rows }: Report): string[] {
  return FLOORS.flatMap(({ measure, of, atLeast = 0, atMost = Infinity }) => {
    const row = rows.find(({ name }) => name === measure);
    const value = of === 'ratio' ? row?.ratios.bullmq : row?.medians.stem;
    if (!row || value === undefined || (value >= atLeast && value <= atMost)) return [];
    const limit = atLeast > 0 ? `at least ${atLeast}` : `at most ${atMost}`;
    const found =
      of === 'ratio' ? `${value.toFixed(2)} × BullMQ` : `${value.toFixed(2)} ${row.unit}`;
    return [`${row.title}: ${found}, expected ${limit}`];
  });
}
