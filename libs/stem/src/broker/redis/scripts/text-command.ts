import { OwnCommand } from './own-command.js';

/** From about so many characters a call is written into bytes argument by argument. */
const LONG = 2_048;
/** Bytes of a text's announcement at most: `$`, its length, and two line ends. */
const ANNOUNCEMENT_BYTES = 16;
const CR = 13;
const LF = 10;
const DIGIT_0 = 48;
const MARK_ARRAY = 42;
const MARK_TEXT = 36;

/**
 * A script call, without what ioredis' own calls spend on arguments of any kind: ours are texts.
 */
export class TextCommand extends OwnCommand {
  constructor(name: 'evalsha' | 'eval', args: string[]) {
    super(name, [], { replyEncoding: 'utf8' });
    // The constructor would copy them one by one to flatten them.
    this.args = args;
  }

  /**
   * The call in the protocol of Redis (RESP, redis.io/docs/latest/develop/reference/protocol-spec). ioredis puts
   * together one text, which has to be made flat and then into bytes; for a long call that takes several times as
   * long as writing each argument to its place.
   */
  override toWritable(socket: object): string | Buffer {
    const texts = this.args as string[];
    let characters = 0;
    for (const text of texts) characters += text.length;
    if (characters < LONG) return super.toWritable(socket);

    const lengths = texts.map((text) => Buffer.byteLength(text));
    let size = ANNOUNCEMENT_BYTES * (texts.length + 2) + this.name.length;
    for (const length of lengths) size += length;
    const bytes = Buffer.allocUnsafeSlow(size);
    let at = writeCount(bytes, 0, MARK_ARRAY, texts.length + 1);
    at = writeText(bytes, at, this.name, this.name.length);
    for (let i = 0; i < texts.length; i++) {
      at = writeText(bytes, at, texts[i] as string, lengths[i] as number);
    }
    return bytes.subarray(0, at);
  }
}

function writeText(bytes: Buffer, at: number, text: string, length: number): number {
  const from = writeCount(bytes, at, MARK_TEXT, length);
  bytes.write(text, from);
  return writeLineEnd(bytes, from + length);
}

/** Writes a mark, a number and a line end; returns where the next thing goes. */
function writeCount(bytes: Buffer, at: number, mark: number, count: number): number {
  bytes[at] = mark;
  let end = at + 1;
  for (let power = 10; power <= count; power *= 10) end++;
  for (let digit = end, left = count; digit > at; digit--) {
    bytes[digit] = DIGIT_0 + (left % 10);
    left = Math.floor(left / 10);
  }
  return writeLineEnd(bytes, end + 1);
}

function writeLineEnd(bytes: Buffer, at: number): number {
  bytes[at] = CR;
  bytes[at + 1] = LF;
  return at + 2;
}
