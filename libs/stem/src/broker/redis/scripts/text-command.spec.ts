import { Command } from 'ioredis';
import { OwnCommand } from './own-command.js';
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

  describe('its promise', () => {
    it('is made by us as long as ioredis calls the method by this name', () => {
      // Otherwise ioredis makes it, and calls are kept until the next full collection: look for the new name.
      expect(Object.hasOwn(Command.prototype, 'initPromise')).toBe(true);
      expect(Object.hasOwn(OwnCommand.prototype, 'initPromise')).toBe(true);
    });

    it('resolves with the texts of an answer, inner ones too', async () => {
      const command = new TextCommand('evalsha', ['digest']);
      command.resolve([Buffer.from('é'), 7, [Buffer.from('inner'), null]]);
      await expect(command.promise).resolves.toEqual(['é', 7, ['inner', null]]);
      expect(command).toMatchObject({ isResolved: true, isSettled: true });
    });

    it('rejects with the error of an answer', async () => {
      const command = new TextCommand('evalsha', ['digest']);
      command.reject(new Error('NOSCRIPT'));
      await expect(command.promise).rejects.toThrow('NOSCRIPT');
    });
  });
});
