import type { Stage } from '../support/stage.js';

/** Wrong command lines, and Redis servers that cannot be used: what is said, and the exit code. */
export function usageCases(stage: Stage): void {
  describe('a wrong command line', () => {
    const cases: [string, string[], RegExp][] = [
      ['an unknown command', ['taks'], /unknown command 'taks'; did you mean 'task(s)?'\?/],
      [
        'an unknown sub-command',
        ['schedule', 'lst'],
        /unknown command 'lst'; did you mean 'list'\?/,
      ],
      ['an unknown option', ['task', 'list', '--quue', 'x'], /'--quue'; did you mean '--queue'\?/],
      ['a missing argument', ['task', 'show'], /missing required argument 'id'/],
      ['a missing option', ['schedule', 'add', '--id', 'a'], /'--task <name>' not specified/],
      ['too many arguments', ['task', 'show', 'a', 'b'], /too many arguments/],
      ['a value that is none', ['task', 'list', '--limit', 'x'], /a whole number from 0 to 20000/],
      [
        'a choice that is none',
        ['task', 'list', '--state', 'x'],
        /Allowed choices are scheduled, /,
      ],
      ['a duration that is none', ['task', 'result', 'x', '--timeout', 'y'], /such as 500ms, 10s/],
      ['arguments that are no JSON', ['task', 'enqueue', 'x', '--args', '{'], /expected JSON: /],
      ['a spec that can never be', ['schedule', 'preview', '--spec', '0 0 31 2 *'], /never due/],
      [
        'a broker that is none',
        ['queue', 'list', '--broker', 'http://x'],
        /broker is 'http:\/\/x'/,
      ],
      ['a broker in memory', ['queue', 'list', '--broker', 'memory://'], /inside the process/],
      ['no selection', ['dlq', 'purge', '--yes'], /Give either --queue or --id/],
      ['a purge without --yes', ['dlq', 'purge', '-q', 'x'], /Add --yes to do it, or --dry-run/],
      ['a replay without --yes', ['dlq', 'replay', '-q', 'x'], /Add --yes to do it, or --dry-run/],
      ['a queue purge without --yes', ['queue', 'purge', 'x'], /Add --yes to do it, or --dry-run/],
      ['a removal without --yes', ['schedule', 'remove', 'x'], /Add --yes to do it, or --dry-run/],
      ['no application', ['worker', 'start'], /Which application\? Give --app/],
    ];

    it('is refused with 64, one line, and the next step', async () => {
      const stem = stage.fresh();
      for (const batch of chunks(cases, 4)) {
        const outcomes = await Promise.all(batch.map(([, args]) => stem.run(...args)));
        batch.forEach(([name, , message], index) => {
          expect({ name, ...outcomes[index] }).toEqual({
            name,
            code: 64,
            stdout: '',
            stderr: expect.stringMatching(message),
          });
          expect(outcomes[index]?.stderr.trim().split('\n')).toHaveLength(1);
        });
      }
    });

    it('is told to programs as JSON', async () => {
      const { stderr } = await stage.fresh().run('task', 'list', '--quue', 'x', '--json');
      expect(JSON.parse(stderr)).toEqual({
        error: { code: 'CLI_USAGE', message: expect.stringContaining("'--quue'"), exitCode: 64 },
      });
    });

    it('shows help where only a command is missing', async () => {
      const stem = stage.fresh();
      const [root, group, asked, version] = await Promise.all([
        stem.run(),
        stem.run('schedule'),
        stem.run('schedule', '--help'),
        stem.run('--version'),
      ]);
      expect(root).toMatchObject({ code: 64, stderr: expect.stringMatching(/^Usage: stem /) });
      expect(group).toMatchObject({ code: 64, stderr: expect.stringMatching(/^Usage: stem sch/) });
      expect(asked).toMatchObject({ code: 0, stdout: group.stderr });
      expect(version).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+/) });
    });

    it('has no broker to begin with when none is named', async () => {
      const { code, stderr } = await stage.fresh({ STEM_BROKER_URL: '' }).run('queue', 'list');
      expect({ code, stderr }).toEqual({
        code: 64,
        stderr:
          'stem: No broker is named: set STEM_BROKER_URL, or give --broker redis://host:6379.\n',
      });
    });
  });

  describe('a Redis that cannot be used', () => {
    it('is told with 70 and the reason, and never with its password', async () => {
      const stem = stage.fresh();
      const { port } = stage.redis;
      const [unreachable, blank, wrong, explained] = await Promise.all([
        stem.run('queue', 'list', '--broker', 'redis://ops:hush@127.0.0.1:1'),
        stem.run('queue', 'list', '--broker', 'redis://ops:hu hush@127.0.0.1:1', '--verbose'),
        stem.run('queue', 'list', '--broker', `redis://ops:hush@127.0.0.1:${port}`),
        stem.run('queue', 'list', '--broker', `redis://ops:hush@127.0.0.1:${port}`, '--verbose'),
      ]);
      expect(unreachable).toMatchObject({ code: 70, stdout: '' });
      expect(unreachable.stderr).toMatch(
        /^stem: Redis at .*ECONNREFUSED.* Check that it runs.*\n$/,
      );
      expect(wrong).toMatchObject({ code: 70, stdout: '' });
      expect(wrong.stderr).toMatch(/^stem: Redis at .*WRONGPASS.*\n$/);
      expect(explained.stderr).toMatch(/\n\s+at .*\n/);
      expect(blank.stderr).toMatch(/ops:\*\*\*@127/);
      for (const { stderr } of [unreachable, blank, wrong, explained]) {
        expect(stderr).not.toMatch(/hush/);
      }
    });

    it('is told when its user may not do what is needed', async () => {
      const stem = stage.fresh();
      const url = stage.redis.url();
      const { Redis } = await import('ioredis');
      const admin = new Redis(url);
      await admin.acl(
        'SETUSER',
        'reader',
        'on',
        '>secret',
        '~*',
        '&*',
        '+@connection',
        '+info',
        '+time',
      );
      await admin.quit();
      const broker = url.replace('redis://', 'redis://reader:secret@');
      const { code, stderr } = await stem.run('task', 'enqueue', 'echo', '--broker', broker);
      expect({ code, stderr }).toEqual({
        code: 70,
        stderr: expect.stringMatching(/no permissions/i),
      });
      expect(stderr).not.toMatch(/secret/);
    });
  });
}

function chunks<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) =>
    list.slice(index * size, (index + 1) * size),
  );
}
