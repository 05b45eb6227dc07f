import type { Report } from './report.js';

/** How a ratio, Stem to BullMQ, may not be. */
interface Floor {
  readonly measure: string;
  readonly atLeast?: number;
  readonly atMost?: number;
}

/**
 * Gross floors, far from what is usually measured: they tell a broken fast path from a busy machine.
 */
const FLOORS: readonly Floor[] = [
  { measure: 'processing-10.tasksPerSecond', atLeast: 1.5 },
  { measure: 'processing-100.tasksPerSecond', atLeast: 2 },
  { measure: 'enqueue-concurrent.tasksPerSecond', atLeast: 2 },
  { measure: 'enqueue-bulk.tasksPerSecond', atLeast: 2 },
  { measure: 'memory.bytes', atMost: 0.8 },
];

/** One line for each floor that was missed. Rows that were not measured are not judged. */
export function missedFloors({ rows }: Report): string[] {
  return FLOORS.flatMap(({ measure, atLeast = 0, atMost = Infinity }) => {
    const row = rows.find(({ name }) => name === measure);
    if (row?.ratio === undefined || (row.ratio >= atLeast && row.ratio <= atMost)) return [];
    const limit = atLeast > 0 ? `at least ${atLeast}` : `at most ${atMost}`;
    return [`${row.title}: ${row.ratio.toFixed(2)} × BullMQ, expected ${limit}`];
  });
}
