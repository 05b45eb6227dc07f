import stringWidth from 'string-width';
import type { Stage } from '../support/stage.js';
import { type StemProgram } from '../support/stem-program.js';

// eslint-disable-next-line no-control-regex -- what colours begin with
const COLOUR = /\u001b\[\d+m/;

/** How it looks: narrow terminals, wide characters, colours, live screens. */
export function terminalCases(stage: Stage): void {
  describe('a terminal of 60 columns', () => {
    let stem: StemProgram;

    beforeAll(async () => {
      stem = stage.fresh();
      const name = '请求发送一封非常长的电子邮件给所有的客户 🙂👩‍👩‍👧 with more words';
      await Promise.all([
        stem.json('task enqueue', name, '-q', 'a queue with a rather long name, too'),
        stem.json('task enqueue', 'plain', '-q', 'short'),
        stem.json(
          'schedule add',
          ...[
            '--id',
            'nightly',
            '--task',
            name,
            '--spec',
            '0 2 * * 1-5',
            '--timezone',
            'Europe/Berlin',
          ],
        ),
      ]);
    });

    it.each([
      'task list',
      'queue list',
      'schedule list',
      'observe queues',
      'schedule preview --id nightly',
      'health',
      'tasks ls --app esm/app.module.js',
    ])('is wide enough for: %s', async (line) => {
      const { stdout } = await stem.with({ COLUMNS: '60' }).run(...line.split(' '));
      const lines = stdout.trimEnd().split('\n');
      expect(lines.length).toBeGreaterThan(1);
      expect(lines.filter((each) => stringWidth(each) > 60)).toEqual([]);
    });

    it('keeps whole what people copy, and columns in line', async () => {
      const { stdout } = await stem.with({ COLUMNS: '60' }).run('task', 'list');
      const [head = '', ...rows] = stdout.trimEnd().split('\n');
      const ids = await stem.json<{ id: string }[]>('task list');
      for (const { id } of ids) expect(stdout).toContain(id);
      const start = head.indexOf('STATE');
      for (const row of rows) {
        expect(stringWidth(row.slice(0, row.indexOf('queued')))).toBe(start);
      }
    });

    it('has colours, which NO_COLOR takes away', async () => {
      const [coloured, plain] = await Promise.all([
        stage.inTerminal('queue list'),
        stage.inTerminal('queue list', { NO_COLOR: '1' }),
      ]);
      expect(coloured).toMatch(COLOUR);
      expect(plain).toMatch(/QUEUE/);
      expect(plain).not.toMatch(COLOUR);
      const piped = await stem.run('queue', 'list');
      expect(piped.stdout).not.toMatch(COLOUR);
    });

    it('is not moved about by names from outside', async () => {
      const evil = await stem.json<{ id: string }>(
        'task enqueue',
        ...[
          'plain',
          '--args',
          '{"text":"\\u001b[2J\\u001b]0;owned\\u0007\\u009b2J"}',
          '-q',
          'short',
        ],
      );
      const { stdout } = await stem.run('task', 'show', evil.id);
      expect(stdout).toContain('\\u001b[2J');
      // eslint-disable-next-line no-control-regex -- what must not be there
      expect(stdout).not.toMatch(/[\u0007\u001b\u009b]/);
    });
  });

  describe('completion', () => {
    it('is there for three shells, and knows commands, options and choices', async () => {
      const stem = stage.fresh();
      const scripts = await Promise.all(
        ['bash', 'zsh', 'fish'].map((shell) => stem.json<{ script: string }>('completion', shell)),
      );
      for (const { script } of scripts) expect(script).toContain('completion-words -- ');
      const words = async (...args: string[]): Promise<string[]> =>
        (await stem.run('completion-words', '--', ...args)).stdout.trim().split('\n');
      const [root, group, command, choices] = await Promise.all([
        words(),
        words('dlq'),
        words('task', 'list'),
        words('task', 'list', '--state'),
      ]);
      expect(root).toEqual(expect.arrayContaining(['worker', 'dlq', 'health', '--help']));
      expect(root).not.toContain('completion-words');
      expect(group).toEqual(expect.arrayContaining(['list', 'show', 'replay', 'purge']));
      expect(command).toEqual(expect.arrayContaining(['--state', '--queue', '--broker']));
      expect(choices).toContain('succeeded');
      expect(await stem.run('completion', 'tcsh')).toMatchObject({ code: 64 });
    });
  });
}
