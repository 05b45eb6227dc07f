import type { ClaimOutcome, Consumer, Delivery } from '../broker/broker.js';
import { Claimer } from './claimer.js';

const PREFETCH = 200;

/** A claimer over a consumer whose answers the test gives. */
function openClaimer(prefetch = PREFETCH) {
  const asked: { readonly max: number; readonly answer: (outcome: ClaimOutcome) => void }[] = [];
  let held = 0;
  const consumer = {
    claim: (max: number) =>
      new Promise<ClaimOutcome>((answer) => {
        asked.push({ max, answer });
      }),
    waitForWork: () => new Promise<void>(() => undefined),
    stopWaiting: () => undefined,
  } as unknown as Consumer;
  const claimer = new Claimer({
    consumer,
    prefetch,
    lowWater: Math.ceil(prefetch / 4),
    pollIntervalMs: 1_000,
    log: {
      log: () => undefined,
      warn: () => undefined,
      error: () => undefined,
      debug: () => undefined,
    },
    held: () => held,
    waiting: () => held,
    onClaimed: ({ length }) => {
      held += length;
    },
    onLeaseLost: () => undefined,
  });
  return {
    claimer,
    asked,
    /** Answers the n-th claim with as many tasks as it asked for. */
    answerInFull(n: number): void {
      const { max, answer } = asked[n] as (typeof asked)[number];
      const deliveries = Array.from({ length: max }, () => ({}) as Delivery);
      answer({ outcome: 'claimed', deliveries, mayHaveMore: true, nextDueAt: undefined });
    },
    end(tasks: number): void {
      for (let i = 0; i < tasks; i++) {
        held--;
        claimer.refillSoon();
      }
    },
    get held(): number {
      return held;
    },
  };
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

describe('a claimer', () => {
  it('asks for all there is room for while it knows of nothing more', async () => {
    const { claimer, asked } = openClaimer();
    claimer.refillSoon();
    await nextTurn();
    expect(asked.map(({ max }) => max)).toEqual([PREFETCH]);
  });

  it('claims again in the middle of a tick, once there is room for a share', async () => {
    const it = openClaimer();
    it.claimer.refillSoon();
    await nextTurn();
    it.answerInFull(0);
    await nextTurn();
    expect(it.asked).toHaveLength(1);

    it.end(66);
    expect(it.asked).toHaveLength(1);
    it.end(1);
    expect(it.asked).toHaveLength(2);
    it.end(133);
    expect(it.asked.map(({ max }) => max)).toEqual([PREFETCH, 67, 67]);
  });

  it('asks by halves where a worker holds few tasks, so that one claim is under way while another is run', async () => {
    const it = openClaimer(2);
    it.claimer.refillSoon();
    await nextTurn();
    it.answerInFull(0);
    await nextTurn();

    it.end(2);
    await nextTurn();
    expect(it.asked.map(({ max }) => max)).toEqual([2, 1, 1]);
  });

  it('never holds more than it may, with claims under way and answers in any order', async () => {
    const it = openClaimer();
    it.claimer.refillSoon();
    await nextTurn();
    it.answerInFull(0);
    await nextTurn();
    it.end(PREFETCH);
    await nextTurn();
    for (const n of [2, 1]) {
      it.answerInFull(n);
      await nextTurn();
      expect(it.held).toBeLessThanOrEqual(PREFETCH);
    }
    const underWay = it.asked.slice(3).reduce((sum, { max }) => sum + max, 0);
    expect(it.held + underWay).toBeLessThanOrEqual(PREFETCH);
  });
});
