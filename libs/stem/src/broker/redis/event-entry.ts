import { notACursor } from '../event-cursor.js';
import type { MonitorEvent, StoredEvent } from '../monitor-store.js';

/**
 * Where an event is: an entry of the stream, and its index in the batch that the entry holds. Written
 * `<entry>/<index>`.
 */
export interface EventCursor {
  readonly entry: string;
  readonly index: number;
}

/** @throws {StemConfigError} when the text is no cursor. */
export function cursorOf(text: string): EventCursor {
  // Redis refuses numbers of more than 64 bits.
  const match = /^(\d{1,19}(?:-\d{1,19})?)(?:\/(\d+))?$/.exec(text);
  if (!match) throw notACursor(text);
  return { entry: match[1] as string, index: Number(match[2] ?? -1) };
}

/** The events of an entry; none when it cannot be read. */
export function readEventEntry(id: string, fields: readonly string[]): StoredEvent[] {
  let events: unknown;
  try {
    events = JSON.parse(fields[fields.indexOf('e') + 1] ?? '');
  } catch {
    return [];
  }
  if (!Array.isArray(events)) return [];
  return events.flatMap((event: unknown, index) =>
    isEvent(event) ? [{ ...event, cursor: `${id}/${index}` }] : [],
  );
}

/** A newer version may write types that are not known here; they are passed on. */
function isEvent(event: unknown): event is MonitorEvent {
  if (typeof event !== 'object' || event === null) return false;
  const { type, at } = event as Partial<MonitorEvent>;
  return typeof type === 'string' && typeof at === 'number';
}
