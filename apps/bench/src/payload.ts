/** Size of every task's arguments, as JSON. */
export const PAYLOAD_BYTES = 100;

export interface Payload {
  readonly text: string;
}

const OVERHEAD = JSON.stringify({ text: '' }).length;

/** A new object each time, as an application would make it. */
export function createPayload(): Payload {
  return { text: TEXT };
}

const TEXT = 'x'.repeat(PAYLOAD_BYTES - OVERHEAD);
