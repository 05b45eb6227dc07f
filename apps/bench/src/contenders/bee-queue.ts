import BeeQueue from 'bee-queue';
import { type Load, queueNames } from '../load.js';
import { createPayload, type Payload } from '../payload.js';
import { type Contender, Dealer, inLanes, type Producer } from './contender.js';

/**
 * bee-queue, which has no Nest module, with what its manual advises for speed: no events, and no jobs kept
 * in the producer's memory.
 */
export const beeQueue: Contender = {
  async openProducer({ url, load }): Promise<Producer> {
    const queues = await openQueues(url, load, { isWorker: false });
    const dealer = new Dealer(load);
    const createJob = (
      delayMs?: number,
    ): { queue: BeeQueue<Payload>; job: BeeQueue.Job<Payload> } => {
      const queue = queues[dealer.next().queue] as BeeQueue<Payload>;
      const job = queue.createJob(createPayload(load.payloadBytes));
      if (load.work === 'fail-half') job.retries(1);
      if (delayMs !== undefined) job.delayUntil(Date.now() + delayMs);
      return { queue, job };
    };
    const enqueue = (): Promise<unknown> => createJob().job.save();
    return {
      enqueue,
      enqueueConcurrently: (count, inFlight) => inLanes(count, inFlight, enqueue),
      async enqueueMany(count, delayMs) {
        const bulks = new Map<BeeQueue<Payload>, BeeQueue.Job<Payload>[]>();
        for (let i = 0; i < count; i++) {
          const { queue, job } = createJob(delayMs);
          const bulk = bulks.get(queue);
          if (bulk) bulk.push(job);
          else bulks.set(queue, [job]);
        }
        for (const [queue, jobs] of bulks) {
          const refused = await queue.saveAll(jobs);
          if (refused.size > 0) throw new Error(`bee-queue refused ${refused.size} jobs.`);
        }
      },
      close: () => closeAll(queues),
    };
  },

  async openWorker({ url, load, concurrency, handler }) {
    const queues = await openQueues(url, load, {});
    const share = Math.ceil(concurrency / load.queues);
    for (const queue of queues) {
      // It does not tell which try it is; `retries` counts down from 1.
      queue.process(share, (job: BeeQueue.Job<Payload>) =>
        handler((job.options as { retries: number }).retries === 1, queue.name),
      );
    }
    return { close: () => closeAll(queues) };
  },

  async countSucceeded({ url, load }) {
    const queues = await openQueues(url, load, { isWorker: false });
    let sum = 0;
    for (const queue of queues) sum += (await queue.checkHealth()).succeeded;
    await closeAll(queues);
    return sum;
  },
};

async function openQueues(
  url: string,
  load: Load,
  settings: BeeQueue.QueueSettings,
): Promise<BeeQueue<Payload>[]> {
  const queues = queueNames(load).map(
    (name) =>
      new BeeQueue<Payload>(name, {
        redis: { url },
        getEvents: false,
        sendEvents: false,
        storeJobs: false,
        ...settings,
      }),
  );
  await Promise.all(queues.map((queue) => queue.ready()));
  return queues;
}

async function closeAll(queues: readonly BeeQueue<Payload>[]): Promise<void> {
  await Promise.all(queues.map((queue) => queue.close()));
}
