/** The program of a `WorkerProcess`: a worker without Nest, and the tasks that tests give it. */
import { setTimeout as delay } from 'node:timers/promises';
import { trace } from '@opentelemetry/api';
import type { WorkerProcessOptions } from './worker-process.js';
import { redisStem } from './stem.js';
import { startTelemetry } from './telemetry.js';

const options = JSON.parse(process.argv[1] ?? '{}') as WorkerProcessOptions;
const say = (line: string): boolean => process.stdout.write(`${line}\n`);

const main = async (): Promise<void> => {
  const telemetry = options.telemetry ? startTelemetry({ propagator: false }) : undefined;
  const stem = await redisStem(options.redisUrl, options.namespace);
  if (telemetry) {
    await stem.trace();
    let printed = 0;
    setInterval(() => {
      for (const span of telemetry.spans().slice(printed)) {
        printed++;
        say(`span ${JSON.stringify(span)}`);
      }
    }, 20).unref();
  }
  for (const level of ['log', 'warn', 'error', 'debug'] as const) {
    stem.log[level] = (message: string) => void say(`${level} ${message}`);
  }
  stem
    .task('echo', (args) => args)
    .task('sleep', async (args, { id, signal }) => {
      say(`started ${id}`);
      await delay((args as { ms: number }).ms, undefined, { signal });
      say(`ended ${id}`);
      return 'slept';
    })
    .task('stubborn', async (args, { id }) => {
      say(`started ${id}`);
      await delay((args as { ms: number }).ms);
      return 'slept on';
    })
    .task('block', async (args, { id }) => {
      say(`started ${id}`);
      await delay(50);
      for (
        const until = performance.now() + (args as { ms: number }).ms;
        performance.now() < until;
      );
      return 'blocked';
    })
    .task('parent', async (args, context) => {
      const work = trace.getTracer('app').startSpan('app.work');
      await delay(1);
      work.end();
      await context.enqueue('echo', args);
    })
    .task('die', (_args, { id }) => {
      say(`started ${id}`);
      process.kill(process.pid, 'SIGKILL');
    });
  const worker = stem.worker({
    visibilityTimeoutMs: options.visibilityTimeoutMs ?? 1_000,
    drainTimeoutMs: options.drainTimeoutMs ?? 5_000,
  });
  process.on('SIGTERM', () => {
    void worker
      .stop()
      .then(() => stem.broker.close())
      .then(() => process.exit(0));
  });
  await worker.start();
  setInterval(() => say(`counts ${JSON.stringify(worker.counts)}`), 100).unref();
  say('ready');
};

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
