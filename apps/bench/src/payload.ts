/** Arguments of a task. */
export interface Payload {
  readonly text: string;
}

const OVERHEAD = JSON.stringify({ text: '' }).length;
const texts = new Map<number, string>();

/**
 * A new object each time, as an application would make it.
 *
 * @param bytes its size as JSON.
 */
export function createPayload(bytes: number): Payload {
  let text = texts.get(bytes);
  if (text === undefined) texts.set(bytes, (text = 'x'.repeat(bytes - OVERHEAD)));
  return { text };
}
