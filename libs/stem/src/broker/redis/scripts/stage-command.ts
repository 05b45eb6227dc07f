import type { Writable } from 'node:stream';
import { OwnCommand } from './own-command.js';

/** `SET` of a large value that goes by itself, without a copy of the value on the way to the socket. */
export class StageCommand extends OwnCommand {
  readonly #bytes: Buffer;

  constructor(key: string, bytes: Buffer, ttlMs: number) {
    super('set', [key, bytes, 'PX', String(ttlMs)], { replyEncoding: 'utf8' });
    this.#bytes = bytes;
  }

  /** The beginning and the value are written here; what is returned is the rest. */
  override toWritable(socket: object): string {
    const [key, , , ttlMs] = this.args as [string, Buffer, string, string];
    const stream = socket as Writable;
    stream.write(
      `*5\r\n$3\r\nSET\r\n$${Buffer.byteLength(key)}\r\n${key}\r\n$${this.#bytes.length}\r\n`,
    );
    stream.write(this.#bytes);
    return `\r\n$2\r\nPX\r\n$${ttlMs.length}\r\n${ttlMs}\r\n`;
  }
}
