import { PayloadTooLargeError, TaskArgsError } from './errors.js';
import { toJson } from './json.js';

const LIMIT = 1_000_000;
const write = (value: unknown, limit = LIMIT): string => toJson(value, 'args', limit);

describe('what JSON carries faithfully', () => {
  it.each([
    ['null', null],
    ['texts of every script', { ä: 'é', emoji: '🌱', separator: '\u2028', nul: '\u0000' }],
    ['numbers', [0, -1, 1.5, 1e308]],
    ['empty arrays and objects', { a: [], o: {} }],
    ['a __proto__ key', JSON.parse('{"__proto__":{"a":1}}')],
  ])('writes %s', (_what, value) => {
    expect(JSON.parse(write(value))).toEqual(value);
  });

  it('leaves properties out that are undefined', () => {
    expect(write({ a: 1, b: undefined })).toBe('{"a":1}');
  });

  it('lets objects say what they are in JSON', () => {
    expect(write({ at: new Date(0) })).toBe('{"at":"1970-01-01T00:00:00.000Z"}');
  });

  it('writes one object in two places, which is no cycle', () => {
    const shared = { a: 1 };
    expect(write([shared, shared])).toBe('[{"a":1},{"a":1}]');
  });

  it('writes deep values', () => {
    let value: unknown = 1;
    for (let depth = 0; depth < 1_000; depth++) value = [value];
    expect(write(value)).toHaveLength(2_001);
  });
});

describe('what JSON would change in silence', () => {
  const circular: { self?: unknown } = {};
  circular.self = circular;
  it.each([
    ['a function', { f: () => 1 }, /args\.f is a function/],
    ['a symbol', { s: Symbol('s') }, /args\.s is a symbol/],
    ['a BigInt', { list: [1n] }, /args\.list\[0\] is a bigint/],
    ['NaN', { n: Number.NaN }, /args\.n is NaN/],
    ['an infinity', [Infinity], /args\[0\] is Infinity/],
    ['undefined in an array', [undefined], /args\[0\] is undefined/],
    ['undefined itself', undefined, /args is undefined/],
    ['a Map', { m: new Map() }, /args\.m is a Map/],
    ['binary data', { b: new Uint8Array(2) }, /args\.b is a Uint8Array/],
    ['a cycle', circular, /leads back to itself/],
  ])('refuses %s and says where it is', (_what, value, message) => {
    expect(() => write(value)).toThrow(TaskArgsError);
    expect(() => write(value)).toThrow(message);
  });

  it('refuses a toJSON that throws', () => {
    const value = {
      toJSON: () => {
        throw new Error('no');
      },
    };
    expect(() => write(value)).toThrow(TaskArgsError);
  });
});

describe('the size limit', () => {
  it('counts bytes, not characters', () => {
    expect(write('éé', 6)).toBe('"éé"');
    expect(() => write('ééé', 6)).toThrow(PayloadTooLargeError);
    expect(() => write('ééé', 6)).toThrow(/8 bytes.*limit is 6/);
  });
});
