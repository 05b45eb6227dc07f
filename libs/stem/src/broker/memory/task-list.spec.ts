import { type Listed, TaskList } from './task-list.js';

interface Item extends Listed<Item> {
  readonly place: number;
}

const item = (place: number): Item => ({ place, previous: undefined, next: undefined });

const placesIn = (list: TaskList<Item>): { forwards: number[]; backwards: number[] } => {
  const forwards = [];
  const backwards = [];
  for (let each = list.first; each; each = each.next) forwards.push(each.place);
  for (let each = list.last; each; each = each.previous) backwards.push(each.place);
  return { forwards, backwards };
};

describe('TaskList', () => {
  const setup = (): { list: TaskList<Item>; items: [Item, Item, Item] } => {
    const list = new TaskList<Item>();
    const items: [Item, Item, Item] = [item(1), item(3), item(5)];
    for (const each of items) list.push(each);
    return { list, items };
  };

  it.each([0, 1, 2] as const)('closes the gap when member %i is removed', (index) => {
    const { list, items } = setup();
    const rest = [1, 3, 5].filter((place) => place !== items[index].place);

    list.remove(items[index]);

    expect(list.size).toBe(2);
    expect(placesIn(list)).toEqual({ forwards: rest, backwards: [...rest].reverse() });
  });

  it.each([
    [0, [0, 1, 3, 5]],
    [2, [1, 2, 3, 5]],
    [4, [1, 3, 4, 5]],
    [6, [1, 3, 5, 6]],
  ])('puts a member with place %i back where it belongs', (place, expected) => {
    const { list } = setup();

    list.putBack(item(place));

    expect(list.size).toBe(4);
    expect(placesIn(list)).toEqual({ forwards: expected, backwards: [...expected].reverse() });
  });

  it('is emptied from the front', () => {
    const { list, items } = setup();

    expect([list.shift(), list.shift(), list.shift(), list.shift()]).toEqual([...items, undefined]);

    expect(placesIn(list)).toEqual({ forwards: [], backwards: [] });
    expect(list.size).toBe(0);
  });
});
