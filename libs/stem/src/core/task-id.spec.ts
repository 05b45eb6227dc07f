import { MAX_PARTITIONS, newTaskId, partitionNamedBy, tickTaskId } from './task-id.js';

test.each([0, 1, 35, 36, MAX_PARTITIONS - 1])('a new id names its partition, %i', (partition) => {
  for (let i = 0; i < 3; i++) expect(partitionNamedBy(newTaskId(partition))).toBe(partition);
});

test('ids that are made one after the other for different partitions do not mix', () => {
  for (let i = 0; i < 3_000; i++) {
    const partition = (i * 37) % MAX_PARTITIONS;
    expect(newTaskId(partition)).toMatch(new RegExp(`^${partition.toString(36)}\\.[\\w-]{18}$`));
  }
});

test('no id is made twice, and every character turns up at every place', () => {
  const ids = new Set<string>();
  const seen = Array.from({ length: 18 }, () => new Set<string>());
  for (let i = 0; i < 10_000; i++) {
    const id = newTaskId(0);
    ids.add(id);
    for (const [place, character] of [...id.slice(2)].entries()) seen[place]?.add(character);
  }
  expect(ids.size).toBe(10_000);
  // That one of 64 is missing at some place by chance: less than once in 10^60.
  expect(seen.map(({ size }) => size)).toEqual(new Array(18).fill(64));
});

test('the id of a tick names its partition, and is the same whoever makes it', () => {
  const id = tickTaskId(7, 'nightly report', 1_700_000_000_000);
  expect(id).toBe(tickTaskId(7, 'nightly report', 1_700_000_000_000));
  expect(partitionNamedBy(id)).toBe(7);
});

test.each(['order-17', '0.short', '0.V1StGXR8_Z5jdHi6B-x', 'zzz.V1StGXR8_Z5jdHi6B-'])(
  'an id given by a user names none: %s',
  (id) => {
    expect(partitionNamedBy(id)).toBeUndefined();
  },
);
