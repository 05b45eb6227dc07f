import { setTimeout as delay } from 'node:timers/promises';
import { Test } from '@nestjs/testing';
import { prometheusText, StemClient, StemModule, Task } from '../../libs/stem/src/index.js';
import { blocksOf, readPage, readPages } from './markdown.js';

class Tasks {
  @Task('anything')
  run(): void {
    // Only to be counted.
  }
}

describe('the metrics that the pages name', () => {
  it('exist', async () => {
    const module = await Test.createTestingModule({
      imports: [
        StemModule.forRoot({ worker: { heartbeatInterval: 10 }, monitor: { flushInterval: 10 } }),
      ],
      providers: [Tasks],
    }).compile();
    module.useLogger(false);
    await module.init();
    const stem = module.get(StemClient);
    await (await stem.enqueue('anything', undefined, { delay: 1 })).result();
    await stem.enqueue('anything', undefined, { queue: 'served-by-nobody' });
    let text = '';
    while (!text.includes('stem_worker_runs_total{') || !text.includes('stem_task_run_seconds{')) {
      await delay(10);
      text = prometheusText(await stem.metrics());
    }
    await module.close();
    const known = new Set([...text.matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name));
    const named = readPages().flatMap(({ path, lines }) =>
      lines.flatMap((line) =>
        [...line.matchAll(/\bstem_[a-z_]+[a-z]\b/g)].map(([name]) => ({ path, name })),
      ),
    );
    expect(named.length).toBeGreaterThan(8);
    expect(named.filter(({ name }) => !known.has(name))).toEqual([]);
  });

  it('stand in rules of alerts that YAML can read', async () => {
    const { parse } = await import('yaml');
    const [rules] = blocksOf(readPage('docs/operations.md')).filter(({ info }) => info === 'yaml');
    const { groups } = parse(rules?.lines.join('\n') ?? '') as {
      groups: { rules: { alert: string; expr: string }[] }[];
    };
    const alerts = groups.flatMap((group) => group.rules);
    expect(alerts.length).toBeGreaterThan(5);
    expect(alerts.filter(({ alert, expr }) => !alert || !expr)).toEqual([]);
  });
});
