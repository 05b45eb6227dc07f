/** Stands for a mail server that is not there at the first try. */
export class ConnectionError extends Error {}

export const delivered: string[] = [];
let failures = 1;

export async function deliver(recipient: string, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  if (recipient === 'nobody') throw new Error('there is no such address');
  if (failures-- > 0) throw new ConnectionError('connection refused');
  delivered.push(recipient);
  return `message-${delivered.length}`;
}
