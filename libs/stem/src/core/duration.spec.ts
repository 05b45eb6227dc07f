import { formatDuration, MAX_TIMER_MS, parseDuration } from './duration.js';
import { StemConfigError } from './errors.js';

describe('parseDuration', () => {
  it.each([
    [250, 250],
    ['250', 250],
    ['500ms', 500],
    ['10s', 10_000],
    ['1.5s', 1_500],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    [' 10 s ', 10_000],
  ])('reads %p as %p ms', (value, ms) => {
    expect(parseDuration(value, 'x')).toBe(ms);
  });

  it.each([
    ['text'],
    ['10 parsecs'],
    ['-5s'],
    [-1],
    [Number.NaN],
    [Infinity],
    ['99999d'],
    [{}],
    [null],
    [''],
  ])('refuses %p, naming the option', (value) => {
    expect(() => parseDuration(value, 'worker.pollInterval')).toThrow(StemConfigError);
    expect(() => parseDuration(value, 'worker.pollInterval')).toThrow(/^worker\.pollInterval is /);
  });

  it('keeps its bounds', () => {
    expect(() => parseDuration('9ms', 'x', { minMs: 10 })).toThrow(/at least 10ms/);
    expect(() => parseDuration('30d', 'x', { maxMs: MAX_TIMER_MS })).toThrow(/at most 24 days/);
  });
});

it('writes durations in the largest unit that divides them', () => {
  expect([0, 1, 1_000, 90_000, 86_400_000].map(formatDuration)).toEqual([
    '0ms',
    '1ms',
    '1s',
    '90s',
    '1d',
  ]);
});
