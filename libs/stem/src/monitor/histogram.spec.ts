import { bucketOf, Histogram, HISTOGRAM_ERROR } from './histogram.js';

function percentilesOf(durations: readonly number[]) {
  const histogram = new Histogram();
  for (const ms of durations) histogram.add(bucketOf(ms), 1);
  return histogram.percentiles();
}

/** Differs by a tenth at most. */
function expectNear(actual: number, expected: number): void {
  expect(actual).toBeGreaterThan(expected * 0.9);
  expect(actual).toBeLessThan(expected * 1.1);
}

describe('a histogram', () => {
  it('is off by less than a tenth, from microseconds to a day', () => {
    expect(HISTOGRAM_ERROR).toBeLessThan(0.1);
    for (let ms = 0.02; ms < 86_400_000; ms *= 1.07) expectNear(percentilesOf([ms]).p50, ms);
  });

  it('tells below which duration which share lies', () => {
    const { count, p50, p95, p99, max } = percentilesOf(
      Array.from({ length: 10_000 }, (_, n) => (n + 1) / 10),
    );
    expect(count).toBe(10_000);
    expectNear(p50, 500);
    expectNear(p95, 950);
    expectNear(p99, 990);
    expectNear(max, 1_000);
  });

  it('finds the few slow ones among the many', () => {
    const durations = [...Array<number>(98).fill(2), 700, 9_000];
    const { p50, p95, p99, max } = percentilesOf(durations);
    expectNear(p50, 2);
    expectNear(p95, 2);
    expectNear(p99, 700);
    expectNear(max, 9_000);
  });

  it('is all zeros without durations, and takes what makes no sense as nothing', () => {
    const none = { count: 0, p50: 0, p95: 0, p99: 0, max: 0 };
    expect(percentilesOf([])).toEqual(none);
    expect(percentilesOf([-5, 0, Number.NaN])).toEqual({ ...none, count: 3 });
    expect(percentilesOf([Infinity]).max).toBeGreaterThan(86_400_000);
    const histogram = new Histogram();
    histogram.add(4_000, 1);
    expect(histogram.percentiles()).toEqual(none);
  });
});
