import { answer, type EnqueueMode, type ProducerJob } from './child-process.js';
import { countClientCalls } from './client-calls.js';
import type { Producer } from './contenders/contender.js';
import { loadContender } from './contenders/index.js';
import { Meter, type Reading } from './meter.js';

const IN_FLIGHT = 500;
const BULK = 1_000;

const ENQUEUE: Readonly<Record<EnqueueMode, (producer: Producer, count: number) => Promise<void>>> =
  {
    async awaited(producer, count) {
      for (let i = 0; i < count; i++) await producer.enqueue();
    },
    concurrent: (producer, count) => producer.enqueueConcurrently(count, IN_FLIGHT),
    async bulk(producer, count) {
      for (let left = count; left > 0; left -= BULK) {
        await producer.enqueueMany(Math.min(left, BULK));
      }
    },
  };

countClientCalls();
await answer(measure);

/** Enqueues, and measures from the end of the warm-up until the last task is accepted. */
async function measure(job: ProducerJob): Promise<Reading> {
  const contender = await loadContender(job.contender);
  const meter = await Meter.connect(job.url);
  const producer = await contender.openProducer(job.url);
  const enqueue = ENQUEUE[job.mode];
  if (job.warmUp > 0) await enqueue(producer, job.warmUp);
  meter.start();
  await enqueue(producer, job.tasks);
  meter.stop();
  const reading = await meter.read(job.tasks);
  await producer.close();
  meter.close();
  return reading;
}
