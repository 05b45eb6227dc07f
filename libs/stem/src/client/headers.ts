import { PayloadTooLargeError, TaskArgsError, type TaskCoordinates } from '../core/errors.js';

/**
 * Checks the headers of a task.
 *
 * @throws {TaskArgsError} unless they are an object of texts.
 * @throws {PayloadTooLargeError} when they are larger than `limitBytes` as JSON.
 */
export function checkHeaders(headers: unknown, limitBytes: number, where: TaskCoordinates): void {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) {
    throw new TaskArgsError('headers must be an object of texts.', where);
  }
  let characters = 2;
  for (const name of Object.keys(headers)) {
    const value: unknown = (headers as Record<string, unknown>)[name];
    if (typeof value !== 'string') {
      throw new TaskArgsError(
        `headers.${name} is ${value === null ? 'null' : `of type ${typeof value}`}; a header is a ` +
          `text. Write it as one, or put it into \`meta\`.`,
        where,
      );
    }
    characters += name.length + value.length + 6;
  }
  // As JSON, one character takes at most six bytes; only near the limit is it worth counting.
  if (characters * 6 <= limitBytes) return;
  const bytes = Buffer.byteLength(JSON.stringify(headers));
  if (bytes > limitBytes) {
    throw new PayloadTooLargeError(
      `headers are ${bytes} bytes as JSON; the limit is ${limitBytes}. Send less, or raise ` +
        `\`limits.headersBytes\`.`,
      where,
    );
  }
}
