import type { StemMetrics, TaskNumbers } from './metrics.js';
import { prometheusText } from './prometheus-text.js';

const numbers: TaskNumbers = {
  enqueued: 5,
  started: 4,
  succeeded: 3,
  failed: 1,
  retried: 2,
  cancelled: 0,
  expired: 0,
  leaseLost: 0,
  runMs: { count: 4, p50: 12, p95: 1_500, p99: 2_000, max: 2_500 },
  waitMs: { count: 0, p50: 0, p95: 0, p99: 0, max: 0 },
};
const { runMs: _runMs, waitMs: _waitMs, ...counts } = numbers;

const METRICS: StemMetrics = {
  from: new Date(0),
  to: new Date(3_600_500),
  tasks: [{ task: 'say "hi"\\', queue: 'größe', ...numbers, recent: numbers }],
  queues: [
    {
      name: 'größe',
      paused: true,
      queued: 7,
      scheduled: 2,
      running: 1,
      deadLetters: 9,
      succeeded: 100,
      failed: 10,
      retried: 20,
      oldestReadyAgeMs: 1_250,
      counts,
      recent: counts,
    },
  ],
  workers: [
    {
      id: 'w-1',
      name: 'w',
      queues: ['größe'],
      paused: [],
      host: 'h',
      pid: 1,
      version: '0.1.0',
      startedAt: new Date(0),
      heartbeatAt: new Date(0),
      heartbeatAgeMs: 500,
      isAlive: true,
      state: 'ready',
      health: { status: 'unhealthy', reason: 'no answer', since: new Date(0) },
      concurrency: 10,
      prefetch: 20,
      running: 3,
      held: 4,
      threads: 0,
      eventLoopLagMs: { mean: 1, p99: 20 },
      memory: { rssBytes: 1_000, heapUsedBytes: 500 },
      counts: {
        runs: { succeeded: 3, failed: 1, retrying: 0, cancelled: 0, released: 0, 'lease-lost': 0 },
        leasesLost: 2,
        blocks: 0,
      },
    },
  ],
};
const NOTHING: StemMetrics = { ...METRICS, tasks: [], queues: [], workers: [] };

describe('prometheusText', () => {
  const lines = prometheusText(METRICS).split('\n');

  it('writes counts, times in seconds, and sizes in bytes', () => {
    expect(lines).toEqual(
      expect.arrayContaining([
        'stem_window_seconds 3600.5',
        'stem_queue_ready_tasks{queue="größe"} 7',
        'stem_queue_dead_letters{queue="größe"} 9',
        'stem_queue_paused{queue="größe"} 1',
        'stem_queue_oldest_ready_age_seconds{queue="größe"} 1.25',
        'stem_queue_succeeded_total{queue="größe"} 100',
        'stem_worker_alive{worker="w-1",name="w",host="h"} 1',
        'stem_worker_healthy{worker="w-1",name="w",host="h"} 0',
        'stem_worker_event_loop_lag_seconds{worker="w-1",name="w",host="h"} 0.02',
        'stem_worker_resident_memory_bytes{worker="w-1",name="w",host="h"} 1000',
        'stem_worker_runs_total{worker="w-1",name="w",host="h",outcome="succeeded"} 3',
        'stem_worker_leases_lost_total{worker="w-1",name="w",host="h"} 2',
      ]),
    );
  });

  it('escapes labels', () => {
    expect(lines).toContain(
      'stem_task_window_events{task="say \\"hi\\"\\\\",queue="größe",event="enqueued"} 5',
    );
    expect(prometheusText(NOTHING, { labels: { a: 'x\ny' } })).toContain(
      'stem_window_seconds{a="x\\ny"} 3600.5',
    );
  });

  it('leaves times out of which there are none', () => {
    const times = lines.filter((line) => line.startsWith('stem_task_run_seconds{'));
    expect(times.map((line) => line.replace(/^.*(quantile.*)$/, '$1'))).toEqual([
      'quantile="0.5"} 0.012',
      'quantile="0.95"} 1.5',
      'quantile="0.99"} 2',
      'quantile="1"} 2.5',
    ]);
    expect(lines.filter((line) => line.includes('stem_task_wait_seconds'))).toEqual([]);
  });

  it('is what the format asks for: each metric once, its type and help before its samples', () => {
    let current = '';
    const seen = new Set<string>();
    const samples = new Set<string>();
    for (const [index, line] of lines.entries()) {
      if (line === '') {
        expect(index).toBe(lines.length - 1); // it ends with a line feed
        continue;
      }
      if (line.startsWith('# HELP ')) {
        current = line.split(' ')[2] as string;
        expect(seen.has(current)).toBe(false);
        seen.add(current);
        expect(lines[index + 1]).toMatch(new RegExp(`^# TYPE ${current} (gauge|counter)$`));
        expect(lines[index + 1]?.endsWith('counter')).toBe(current.endsWith('_total'));
        continue;
      }
      if (line.startsWith('# TYPE ')) continue;
      expect(line).toMatch(
        new RegExp(
          `^${current}(\\{[a-z_]+="(\\\\.|[^"\\\\])*"(,[a-z_]+="(\\\\.|[^"\\\\])*")*\\})? [0-9.]+$`,
        ),
      );
      const [sample] = line.split(/ (?=\S+$)/);
      expect(samples.has(sample as string)).toBe(false);
      samples.add(sample as string);
    }
  });

  it('adds labels of yours, and refuses names that are none', () => {
    expect(prometheusText(METRICS, { labels: { cluster: 'eu', queue: 'x' } })).toContain(
      'stem_queue_ready_tasks{cluster="eu",queue="größe"} 7',
    );
    expect(() => prometheusText(METRICS, { labels: { 'a-b': 'c' } })).toThrow(TypeError);
  });
});
