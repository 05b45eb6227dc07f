import { answer, type Job } from '../child-process.js';
import { countClientCalls } from '../client-calls.js';
import type { Producer } from '../contenders/contender.js';
import { loadContender } from '../contenders/index.js';
import { Meter, type Reading } from '../meter.js';

/** How tasks are enqueued. */
export type EnqueueMode = 'awaited' | 'concurrent' | 'bulk' | 'batches';

export interface ProduceJob extends Job {
  readonly mode: EnqueueMode;
  /** Measured tasks. */
  readonly tasks: number;
  /** Tasks enqueued before the measurement begins. */
  readonly warmUp: number;
}

const IN_FLIGHT = 500;
const BULK = 1_000;
/** As many as the client sends at once by itself. */
const BATCH = 200;

const ENQUEUE: Readonly<Record<EnqueueMode, (producer: Producer, count: number) => Promise<void>>> =
  {
    async awaited(producer, count) {
      for (let i = 0; i < count; i++) await producer.enqueue();
    },
    concurrent: (producer, count) => producer.enqueueConcurrently(count, IN_FLIGHT),
    bulk: (producer, count) => inBulks(producer, count, BULK),
    batches: (producer, count) => inBulks(producer, count, BATCH),
  };

countClientCalls();
await answer(measure);

/** Enqueues, and measures from the end of the warm-up until the last task is accepted. */
async function measure({
  contender,
  url,
  load,
  mode,
  tasks,
  warmUp,
}: ProduceJob): Promise<Reading> {
  const { openProducer } = await loadContender(contender);
  const meter = await Meter.connect(url);
  const producer = await openProducer({ url, load });
  const enqueue = ENQUEUE[mode];
  if (warmUp > 0) await enqueue(producer, warmUp);
  meter.start();
  await enqueue(producer, tasks);
  meter.stop();
  const reading = await meter.read(tasks);
  await producer.close();
  meter.close();
  return reading;
}

async function inBulks(producer: Producer, count: number, size: number): Promise<void> {
  for (let left = count; left > 0; left -= size) {
    await producer.enqueueMany(Math.min(left, size));
  }
}
