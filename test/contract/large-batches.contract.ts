import type { NewTask } from '../../libs/stem/src/broker/broker.js';
import { newTask, type NewTaskOptions, TEST_QUEUE } from '../support/new-task.js';
import { type BrokerHarness, claim, claimOne, idsOf, success, useStage } from './broker-harness.js';

/** With this text a few dozen tasks are more than a broker may want to take in one step. */
const LONG_TEXT = 'ä漢👋'.repeat(2_000);
const TASKS = 60;
/** Far longer than a batch takes to be accepted. */
const DELAY_MS = 400;

/** Batches that are too large to be taken in one step are accepted as if they were. */
export function largeBatchesContract(harness: BrokerHarness): void {
  const stage = useStage(harness);
  const place = 'same';
  const large = (options: NewTaskOptions = {}): NewTask =>
    newTask(stage.broker, { args: LONG_TEXT, place, ...options });
  const batchOf = (count: number, options: NewTaskOptions = {}): NewTask[] =>
    Array.from({ length: count }, () => large(options));
  const created = (tasks: readonly NewTask[]) => tasks.map(({ id }) => ({ id, created: true }));

  it('accepts all of them, in their order and unharmed', async () => {
    const tasks = batchOf(TASKS);

    expect(await stage.broker.enqueue(tasks)).toEqual(created(tasks));

    const consumer = await stage.consumer();
    const deliveries = await claim(consumer, TASKS);
    expect(idsOf(deliveries)).toEqual(tasks.map(({ id }) => id));
    expect(deliveries.filter(({ envelope }) => envelope.args !== LONG_TEXT)).toEqual([]);
  });

  it('accepts more small tasks than are taken in one step', async () => {
    const tasks = Array.from({ length: 3_001 }, () => newTask(stage.broker, { place }));

    expect(await stage.broker.enqueue(tasks)).toEqual(created(tasks));

    expect(await stage.broker.queueStats(TEST_QUEUE)).toMatchObject({ queued: 3_001 });
    const first = idsOf(await claim(await stage.consumer(), 500));
    expect(first).toEqual(tasks.slice(0, 500).map(({ id }) => id));
  });

  it('spreads them over queues and priorities, in order within each', async () => {
    const tasks = Array.from({ length: TASKS }, (_, i) =>
      large({ queue: i % 3 === 0 ? 'über:漢字' : TEST_QUEUE, priority: i % 2 ? 7 : 2 }),
    );
    await stage.broker.enqueue(tasks);

    for (const queue of ['über:漢字', TEST_QUEUE]) {
      const consumer = await stage.consumer({ queues: [queue] });
      const own = tasks.filter((task) => task.queue === queue);
      const expected = [7, 2].flatMap((p) => own.filter(({ priority }) => priority === p));
      expect(idsOf(await claim(consumer, TASKS))).toEqual(expected.map(({ id }) => id));
    }
  });

  it('creates all but those whose id is taken, by a task before or within the batch', async () => {
    const tasks = batchOf(TASKS).map((task) => ({ ...task, idIsNew: false }));
    const [taken, twin] = [tasks[50], tasks[3]] as [NewTask, NewTask];
    await stage.other.enqueue([{ ...taken, queue: 'elsewhere' }]);
    tasks[40] = { ...twin, idIsNew: false };

    const outcomes = await stage.broker.enqueue(tasks);

    expect(outcomes.map(({ id }) => id)).toEqual(tasks.map(({ id }) => id));
    const refused = outcomes.flatMap((outcome, index) => (outcome.created ? [] : [index]));
    expect(refused).toEqual([40, 50]);
    expect(await stage.broker.queueStats(TEST_QUEUE)).toMatchObject({ queued: TASKS - 2 });
  });

  it('names the holder of a unique claim, before or within the batch', async () => {
    const holder = await stage.enqueue({ place, unique: { key: 'held' } });
    const tasks = batchOf(TASKS);
    tasks[5] = large({ unique: { key: 'new' } });
    tasks[45] = large({ unique: { key: 'new' } });
    tasks[58] = large({ unique: { key: 'held' } });

    const outcomes = await stage.broker.enqueue(tasks);

    expect(outcomes[5]).toEqual({ id: tasks[5].id, created: true });
    expect(outcomes[45]).toEqual({ id: tasks[5].id, created: false });
    expect(outcomes[58]).toEqual({ id: holder, created: false });
    expect(outcomes.filter((outcome) => !outcome.created)).toHaveLength(2);
  });

  it('frees a claim when the task that holds it ends', async () => {
    const tasks = batchOf(TASKS);
    tasks[TASKS - 1] = large({ unique: { key: 'once' }, priority: 9 });
    await stage.broker.enqueue(tasks);
    const consumer = await stage.consumer();
    await consumer.complete(await claimOne(consumer), success());

    const [again] = await stage.broker.enqueue([large({ unique: { key: 'once' } })]);

    expect(again?.created).toBe(true);
  });

  it('lets delayed ones wait for their time', async () => {
    const tasks = Array.from({ length: TASKS }, (_, i) =>
      large(i % 2 ? { delayMs: DELAY_MS } : {}),
    );
    const now = tasks.filter(({ delayMs }) => delayMs === undefined);
    await stage.broker.enqueue(tasks);
    const consumer = await stage.consumer();
    expect(await stage.broker.find(tasks[59]?.id as string)).toMatchObject({ state: 'scheduled' });

    const first = await claim(consumer, now.length);
    await stage.advance(DELAY_MS);
    const second = await claim(consumer, TASKS);

    const ids = [...idsOf(first), ...idsOf(second)];
    expect(ids).toHaveLength(TASKS);
    expect(new Set(ids)).toEqual(new Set(tasks.map(({ id }) => id)));
  });
}
