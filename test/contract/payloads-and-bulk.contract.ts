import type { JsonObject, JsonValue } from '../../libs/stem/src/core/json.js';
import { newTask, TEST_QUEUE } from '../support/new-task.js';
import {
  type BrokerHarness,
  claim,
  claimOne,
  idsOf,
  LONG_MS,
  retry,
  success,
  useStage,
} from './broker-harness.js';

const nested = (depth: number): JsonValue => {
  let value: JsonValue = 'the innermost';
  for (let i = 0; i < depth; i++) value = i % 2 ? [value] : { value };
  return value;
};

/** Values that some layer between here and the store may be tempted to change. */
const VALUES: Record<string, JsonValue> = {
  null: null,
  'an empty text': '',
  'an empty array': [],
  'an empty object': {},
  'empty arrays and objects inside': { list: [], map: {}, lists: [[], [[]], {}], none: null },
  'an array with nulls': [null, 1, null, null],
  'keys that look like numbers': { '1': 'one', '2': 'two', '10': 'ten' },
  booleans: [true, false],
  'an emoji, and text of many scripts': '👩‍👩‍👧‍👦 Ünïcødé 漢字 العربية',
  'line separators and control characters': '\u2028\u2029\u0000\u001f\n\r\t\u007f',
  'quotes, backslashes and braces': '"\\\'`{}[]<>&:,|\u0001',
  'a lone surrogate': '\ud83d',
  'big and small numbers': [1e308, -1e308, 5e-324, 1e21, 123456789012345680, 0.1, 1 / 3],
  'whole numbers up to the safe limit': [2 ** 53 - 1, -(2 ** 53 - 1), 2 ** 31, 2 ** 32, 1e15],
  'a key __proto__': JSON.parse(
    '{"__proto__":{"polluted":true},"constructor":{"a":1}}',
  ) as JsonValue,
  'a depth of 200': nested(200),
  'a text of 200 KB': 'äx'.repeat(66_667),
  'ten thousand members': Array.from({ length: 10_000 }, (_, i) => ({ i, even: i % 2 === 0 })),
};

/** Texts are compared, since a matcher may be as forgiving as the layer under test. */
const asText = (value: unknown): string => JSON.stringify(value);

/** What travels arrives as it was sent, and all of it. */
export function payloadsAndBulkContract(harness: BrokerHarness): void {
  const stage = useStage(harness);

  describe('a payload', () => {
    it.each(Object.keys(VALUES))('of %s is the same at every station', async (what) => {
      const value = VALUES[what] as JsonValue;
      const meta: JsonObject = { value };
      const text = asText(value);
      const { id, consumer, delivery: first } = await stage.running({ args: value, meta });
      expect(asText(first.envelope.args)).toBe(text);
      expect(asText(first.envelope.meta)).toBe(asText(meta));
      await consumer.reportProgress(first, { fraction: 0.5, data: value });
      expect(asText((await stage.record(id)).progress)).toBe(
        asText({ fraction: 0.5, data: value }),
      );

      await consumer.retry(first, retry());
      const second = await claimOne(consumer);
      expect(asText(second.envelope)).toBe(asText(first.envelope));
      await consumer.complete(second, success({ result: text }));

      const record = await stage.record(id);
      expect(asText(record.args)).toBe(text);
      expect(asText(record.meta)).toBe(asText(meta));
      expect(record.result).toBe(text);
      expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    });

    it('of headers is the same at every station', async () => {
      const headers = JSON.parse(
        '{"tenant":"Ünï 👋","empty":"","__proto__":"text","q\\"uote":"a\\u2028b","1":"one"}',
      ) as Record<string, string>;
      const { id, delivery } = await stage.running({ headers });

      expect(asText(delivery.envelope.headers)).toBe(asText(headers));
      expect(asText((await stage.record(id)).headers)).toBe(asText(headers));
    });

    it('of a failure is the same when it is looked up', async () => {
      const failure = {
        name: 'Ünï 👋 Error',
        message: '"quoted" \\ \u2028 and \u0000',
        code: '1',
        stack: 'x'.repeat(8_000),
        cause: { name: 'Error', message: '' },
      };
      const { id, consumer, delivery } = await stage.running();

      await consumer.retry(delivery, retry({ failure }));

      expect((await stage.record(id)).failure).toEqual(failure);
    });

    it('does not change with the object that a handler got', async () => {
      const { consumer, delivery } = await stage.running({ args: { list: [1] } });
      (delivery.envelope.args as { list: number[] }).list.push(2);
      await consumer.release(delivery);

      expect((await claimOne(consumer)).envelope.args).toEqual({ list: [1] });
    });
  });

  it('hands each task its own payload, small and large ones in one claim, also when it was given back', async () => {
    const sizes = [1, 3_000, 1, 2_001, 100, 9_000];
    const tasks = sizes.map((size) =>
      newTask(stage.broker, { args: { size, text: 'ä'.repeat(size) }, place: 'same' }),
    );
    await stage.broker.enqueue(tasks);
    const consumer = await stage.consumer();
    const expected = tasks.map(({ id }, i) => ({ id, size: sizes[i], length: sizes[i] }));
    const claimed = async () => {
      const deliveries = await claim(consumer, 10);
      const seen = deliveries.map(({ envelope: { id, args } }) => {
        const { size, text } = args as { size: number; text: string };
        return { id, size, length: text.length };
      });
      return { deliveries, seen };
    };

    const first = await claimed();
    expect(first.seen).toEqual(expected);
    await Promise.all(first.deliveries.map((delivery) => consumer.release(delivery)));
    expect((await claimed()).seen).toEqual(expected);
  });

  it('keeps each result with its task, small and large ones in one batch, for as long as each says', async () => {
    const results = [10, 5_000, 100_000, 10, 20_000].map((size) =>
      JSON.stringify('ä'.repeat(size)),
    );
    const tasks = results.map(() => newTask(stage.broker, { place: 'same' }));
    await stage.broker.enqueue(tasks);
    const consumer = await stage.consumer();
    const deliveries = await claim(consumer, 10);

    const outcomes = await Promise.all(
      deliveries.map((delivery, i) =>
        consumer.complete(
          delivery,
          success({ result: results[i] as string, ttlMs: i === 1 ? 50 : LONG_MS }),
        ),
      ),
    );
    expect(outcomes).toEqual(results.map(() => 'settled'));
    await stage.advance(60);

    const kept = await Promise.all(tasks.map(({ id }) => stage.broker.find(id)));
    expect(kept.map((record) => record?.result)).toEqual(results.with(1, undefined as never));
    expect((await stage.broker.queueStats(TEST_QUEUE)).succeeded).toBe(results.length);
  });

  it('brings 10,000 tasks through three consumers, none lost and none twice', async () => {
    const TASKS = 10_000;
    const consumers = await Promise.all([stage.consumer(), stage.consumer(), stage.consumer()]);
    const done: string[] = [];
    const work = consumers.map(async (consumer) => {
      while (done.length < TASKS) {
        const deliveries = await claim(consumer, 100);
        const answers = await Promise.all(
          deliveries.map((delivery) => consumer.complete(delivery, success({ ttlMs: 0 }))),
        );
        expect(answers.every((answer) => answer === 'settled')).toBe(true);
        for (const { envelope } of deliveries) done.push(envelope.id);
        if (done.length < TASKS && !deliveries.length) await consumer.waitForWork(50);
      }
    });
    const ids: string[] = [];
    for (let i = 0; i < TASKS; i += 500) {
      const broker = i % 1_000 ? stage.broker : stage.other;
      const tasks = Array.from({ length: 500 }, (_, j) => newTask(broker, { priority: j % 10 }));
      ids.push(...tasks.map(({ id }) => id));
      await broker.enqueue(tasks);
    }
    await Promise.all(work);

    expect(done).toHaveLength(TASKS);
    expect(new Set(done)).toEqual(new Set(ids));
    expect(await stage.broker.queueStats(TEST_QUEUE)).toMatchObject({
      queued: 0,
      running: 0,
      succeeded: TASKS,
    });
  });

  it('creates all of a large batch but those whose id is taken, in their order', async () => {
    const tasks = Array.from({ length: 1_200 }, () => newTask(stage.broker, { place: 'same' }));
    const [first, middle, last] = [0, 640, 1_199].map((i) => tasks[i] as (typeof tasks)[number]);
    const taken = [first, middle, last].map((task) => task?.id);
    for (const task of [first, middle, last]) if (task) await stage.other.enqueue([task]);

    const outcomes = await stage.broker.enqueue(tasks.map((task) => ({ ...task, idIsNew: false })));

    expect(outcomes.filter(({ created }) => !created).map(({ id }) => id)).toEqual(taken);
    const rest = tasks.map(({ id }) => id).filter((id) => !taken.includes(id));
    const claimed = idsOf(await claim(await stage.consumer(), tasks.length));
    expect(claimed).toEqual([...taken, ...rest]);
  });

  it('deletes what is completed in a batch and nothing else, whoever holds the tasks around it', async () => {
    const tasks = Array.from({ length: 60 }, () => newTask(stage.broker, { place: 'same' }));
    await stage.broker.enqueue(tasks);
    const ids = tasks.map(({ id }) => id);
    const [early, late] = await Promise.all([stage.consumer(), stage.consumer()]);
    const earlier = await claim(early, 20);
    const later = await claim(late, 20);
    const completeAll = (consumer: typeof early, deliveries: typeof earlier) =>
      Promise.all(deliveries.map((delivery) => consumer.complete(delivery, success())));

    // With older ones pending, with some of its own pending between, and as the oldest of all.
    await completeAll(late, later.slice(0, 10));
    await completeAll(
      early,
      earlier.filter((_, index) => index % 10 !== 5),
    );
    expect(await stage.broker.queueStats(TEST_QUEUE)).toMatchObject({ queued: 20, running: 12 });
    await early.release(earlier[5] as (typeof earlier)[number]);
    await early.complete(earlier[15] as (typeof earlier)[number], success());
    await completeAll(late, later.slice(10));

    expect(await stage.broker.queueStats(TEST_QUEUE)).toMatchObject({
      queued: 21,
      running: 0,
      succeeded: 39,
    });
    expect(idsOf(await claim(early, 60))).toEqual([ids[5], ...ids.slice(40)]);
  });
}
