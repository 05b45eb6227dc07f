import { setImmediate as turn } from 'node:timers/promises';
import { inspect } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Linked, LinkedSet } from './linked-set.js';

class Item extends Linked {
  constructor(readonly name: string) {
    super();
  }
}

describe('LinkedSet', () => {
  const make = (names: string) => {
    const set = new LinkedSet<Item>();
    const items = new Map([...names].map((name) => [name, new Item(name)]));
    for (const item of items.values()) set.add(item);
    return { set, item: (name: string) => items.get(name) as Item };
  };
  const namesIn = (set: LinkedSet<Item>): string =>
    set
      .toArray()
      .map(({ name }) => name)
      .join('');

  it('holds what was added, oldest first, each once', () => {
    const { set, item } = make('abc');
    set.add(item('a'));
    expect(namesIn(set)).toBe('abc');
    expect(set.size).toBe(3);
    expect(set.oldest).toBe(item('a'));
  });

  it.each([
    ['a', 'bc'],
    ['b', 'ac'],
    ['c', 'ab'],
    ['ab', 'c'],
    ['bc', 'a'],
    ['cab', ''],
  ])('lets go of %s', (gone, left) => {
    const { set, item } = make('abc');
    for (const name of gone) set.delete(item(name));
    expect(namesIn(set)).toBe(left);
    expect(set.size).toBe(left.length);
    expect(set.oldest?.name).toBe(left[0]);
    for (const name of 'abc') expect(set.has(item(name))).toBe(left.includes(name));
    set.add(new Item('d'));
    expect(namesIn(set)).toBe(`${left}d`);
  });

  it('is not changed by deleting what is not here, or is in another set', () => {
    const { set } = make('ab');
    const other = make('a');
    set.delete(new Item('a'));
    set.delete(other.item('a'));
    expect(namesIn(set)).toBe('ab');
    expect(other.set.has(other.item('a'))).toBe(true);
  });

  it('takes back what was deleted, as the newest', () => {
    const { set, item } = make('abc');
    set.delete(item('a'));
    set.add(item('a'));
    expect(namesIn(set)).toBe('bca');
  });

  it('leaves no reference from what is gone to what is here', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const takeOut = () => {
      const { set, item } = make('abc');
      set.delete(item('b'));
      return { gone: item('b'), left: [set, item('a'), item('c')].map((it) => new WeakRef(it)) };
    };
    const { gone, left } = takeOut();
    await turn();
    collectGarbage();
    expect(left.map((it) => it.deref())).toEqual([undefined, undefined, undefined]);
    expect(gone.name).toBe('b');
  });

  it('shows nothing of its neighbours to whoever writes an item to a log', () => {
    const { item } = make('abc');
    expect(JSON.stringify(item('b'))).toBe('{"name":"b"}');
    expect(inspect(item('b'), { showHidden: true, depth: 9 })).toBe("Item { name: 'b' }");
  });

  it('is empty after clear, and so are those that were in it', () => {
    const { set, item } = make('abc');
    set.clear();
    expect(set.size).toBe(0);
    expect(set.oldest).toBeUndefined();
    expect(set.has(item('b'))).toBe(false);
    set.add(item('b'));
    expect(namesIn(set)).toBe('b');
  });

  it('may be changed while its items are gone through', () => {
    const { set } = make('abcd');
    for (const item of set.toArray()) set.delete(item);
    expect(set.size).toBe(0);
  });
});
