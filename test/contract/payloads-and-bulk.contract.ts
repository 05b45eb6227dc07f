import type { JsonObject, JsonValue } from '../../libs/stem/src/core/json.js';
import { newTask, TEST_QUEUE } from '../support/new-task.js';
import { type BrokerHarness, claim, claimOne, retry, success, useStage } from './broker-harness.js';

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
}
