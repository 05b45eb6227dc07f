import { Command } from 'ioredis';
import { TextCommand } from './text-command.js';

const SOCKET = {};

/** What ioredis writes for the same call. */
function expected(args: string[]): string {
  return new Command('evalsha', args, { replyEncoding: 'utf8' }).toWritable(SOCKET) as string;
}

describe('TextCommand', () => {
  it.each([
    ['a short call', ['digest', '1', 'prefix', '', 'é']],
    ['a long text', ['digest', 'x'.repeat(10_000)]],
    ['many texts', Array.from({ length: 1_000 }, (_, i) => 'x'.repeat(i % 12))],
    ['lengths at the borders of digits', [9, 10, 99, 100, 999, 1_000].map((n) => 'x'.repeat(n))],
    ['empty texts among long ones', ['', 'x'.repeat(5_000), '']],
    ['characters of two, three and four bytes', ['é漢🙂'.repeat(1_000), 'ü', 'x']],
    ['halves of characters, which are replaced', ['\ud83d'.repeat(3_000), '\ude42']],
    ['line ends inside', ['\r\n'.repeat(2_000)]],
  ])('writes %s as ioredis would', (_, args) => {
    const written = new TextCommand('evalsha', args).toWritable(SOCKET);
    expect(Buffer.from(written as string).equals(Buffer.from(expected(args)))).toBe(true);
  });

  it('writes a long call as bytes, which need not be put together once more', () => {
    expect(new TextCommand('evalsha', ['x'.repeat(10_000)]).toWritable(SOCKET)).toBeInstanceOf(
      Buffer,
    );
  });
});
