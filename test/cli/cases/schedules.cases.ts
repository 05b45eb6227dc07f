import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Stage } from '../support/stage.js';

interface Schedule {
  readonly id: string;
  readonly state: string;
  readonly [field: string]: unknown;
}

/** Schedules: by options, and by a file. */
export function scheduleCases(stage: Stage): void {
  describe('schedules', () => {
    it('are added, shown, disabled, enabled, run and removed', async () => {
      const stem = stage.fresh();
      expect((await stem.run('schedule', 'list')).stdout).toBe('No schedules.\n');
      const add = [
        ...['--id', 'Nacht 夜', '--task', 'maintenance.cleanup', '--spec', '0 2 * * *'],
        ...[
          '--timezone',
          'Europe/Berlin',
          '--arg',
          'days=7',
          '--arg',
          'table=logs',
          '--jitter',
          '30s',
        ],
        ...['--queue', 'low', '--header', 'tenant=ops', '--overlap', 'skip', '--misfire', 'skip'],
      ];
      const added = await stem.json<Schedule>('schedule add', ...add);
      expect(added).toMatchObject({
        id: 'Nacht 夜',
        task: 'maintenance.cleanup',
        spec: '0 2 * * *',
        timezone: 'Europe/Berlin',
        args: { days: 7, table: 'logs' },
        jitter: 30_000,
        queue: 'low',
        headers: { tenant: 'ops' },
        state: 'active',
        origin: 'operator',
      });
      const [again, listed, shown, text, table, run] = await Promise.all([
        stem.run('schedule', 'add', ...add),
        stem.json<Schedule[]>('schedule list'),
        stem.json<Schedule>('schedule show', 'Nacht 夜'),
        stem.run('schedule', 'show', 'Nacht 夜'),
        stem.run('schedule', 'list'),
        stem.json<{ taskId: string }>('schedule run', 'Nacht 夜'),
      ]);
      expect(again).toMatchObject({ code: 64, stderr: expect.stringContaining('Add --replace') });
      expect(listed).toMatchObject([{ id: 'Nacht 夜' }]);
      expect(shown).toMatchObject({ id: 'Nacht 夜', args: { days: 7, table: 'logs' } });
      expect(text.stdout).toMatch(/^timezone +Europe\/Berlin$/m);
      expect(table.stdout).toMatch(
        /^Nacht 夜 +maintenance.cleanup +0 2 \* \* \* \(Europe\/Berlin\) /m,
      );
      expect(await stem.json('task show', run.taskId)).toMatchObject({ queue: 'low' });

      expect(await stem.json('schedule disable', 'Nacht 夜')).toMatchObject({ state: 'paused' });
      expect(await stem.json('schedule enable', 'Nacht 夜')).toMatchObject({ state: 'active' });
      expect(await stem.json('schedule remove', 'Nacht 夜', '--dry-run')).toEqual({
        id: 'Nacht 夜',
        removed: false,
        dryRun: true,
      });
      expect(await stem.json('schedule remove', 'Nacht 夜', '--yes')).toMatchObject({
        removed: true,
      });
    });

    it('that are not there end with 1', async () => {
      const stem = stage.fresh();
      const commands = [
        ['show', 'nowhere'],
        ['enable', 'nowhere'],
        ['run', 'nowhere'],
        ['remove', 'nowhere', '--yes'],
        ['preview', '--id', 'nowhere'],
      ];
      const outcomes = await Promise.all(commands.map((args) => stem.run('schedule', ...args)));
      for (const { code, stderr } of outcomes) {
        expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining("'nowhere'") });
      }
    });

    it('are previewed in their zone and in UTC, across a clock change', async () => {
      const stem = stage.fresh({ STEM_BROKER_URL: '' });
      const args = ['--spec', '30 1 * * *', '--timezone', 'Europe/Berlin', '--count', '2'];
      const from = ['--from', '2026-10-24T12:00:00Z'];
      const [preview, table] = await Promise.all([
        stem.json('schedule preview', ...args, ...from),
        stem.run('schedule', 'preview', ...args, ...from),
      ]);
      expect(preview).toEqual({
        timezone: 'Europe/Berlin',
        ticks: [
          { utc: '2026-10-24T23:30:00.000Z', local: '2026-10-25 01:30:00 GMT+2' },
          { utc: '2026-10-26T00:30:00.000Z', local: '2026-10-26 01:30:00 GMT+1' },
        ],
      });
      expect(table.stdout).toMatch(/^EUROPE\/BERLIN +UTC +WHEN$/m);
      expect(table.stdout).toMatch(/^2026-10-25 01:30:00 GMT\+2 +2026-10-24T23:30:00Z /m);
    });

    it('are made as a file says, after a look at the difference', async () => {
      const stem = stage.fresh();
      const file = join(stage.installation.folder, 'schedules.yaml');
      const apply = (...args: string[]) => stem.json('schedule apply', '--file', file, ...args);
      await writeFile(
        file,
        [
          'schedules:',
          '  - { id: cleanup, task: maintenance.cleanup, spec: "0 2 * * *", timezone: Europe/Berlin }',
          '  - { id: poll, task: feed.poll, spec: "every:5m", args: { feed: news }, jitter: 30s }',
        ].join('\n'),
      );
      const created = [
        { id: 'cleanup', action: 'create', fields: [] },
        { id: 'poll', action: 'create', fields: [] },
      ];
      expect(await apply('--dry-run')).toEqual({ dryRun: true, changes: created });
      expect(await stem.json('schedule list')).toEqual([]);
      expect(await apply('--yes')).toEqual({ dryRun: false, changes: created });

      // Once more nothing changes, also where an operator has paused one.
      await stem.json('schedule disable', 'poll');
      expect(await apply('--yes')).toMatchObject({
        changes: [{ action: 'keep' }, { action: 'keep' }],
      });
      expect(await stem.json('schedule show', 'poll')).toMatchObject({ state: 'paused' });

      await writeFile(
        file,
        JSON.stringify({ poll: { task: 'feed.poll', spec: 'every:10m', args: { feed: 'news' } } }),
      );
      expect(await apply('--prune', '--dry-run')).toEqual({
        dryRun: true,
        changes: [
          {
            id: 'poll',
            action: 'update',
            fields: [
              { field: 'spec', from: 'every:5m', to: 'every:10m' },
              { field: 'jitter', from: 30_000, to: 0 },
              { field: 'description', from: 'every:5m', to: 'every:10m' },
            ],
          },
          { id: 'cleanup', action: 'remove', fields: [] },
        ],
      });
      const { stdout } = await stem.run('schedule', 'apply', '-f', file, '--prune', '--yes');
      expect(stdout).toBe(
        '~ poll\n    spec: "every:5m" → "every:10m"\n    jitter: 30000 → 0\n' +
          '    description: "every:5m" → "every:10m"\n- cleanup\n2 schedules changed\n',
      );
      expect(await stem.json<Schedule[]>('schedule list')).toMatchObject([{ id: 'poll' }]);
    });

    it('are left alone when one of a file cannot be', async () => {
      const stem = stage.fresh();
      const file = join(stage.installation.folder, 'wrong.yaml');
      const apply = () => stem.run('schedule', 'apply', '--file', file, '--yes');
      await writeFile(
        file,
        '- { id: a, task: t, spec: every:5m }\n- { id: b, task: t, spec: every:1ms }\n',
      );
      expect(await apply()).toMatchObject({ code: 64, stderr: expect.stringContaining("'b'") });
      await writeFile(file, 'schedules: {');
      expect(await apply()).toMatchObject({
        code: 64,
        stderr: expect.stringMatching(/no YAML or JSON/),
      });
      await writeFile(file, 'just a text');
      expect(await apply()).toMatchObject({
        code: 64,
        stderr: expect.stringMatching(/no schedules/),
      });
      expect(await stem.json('schedule list')).toEqual([]);
    });
  });
}
