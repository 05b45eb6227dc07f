import { BusyPoll } from './busy-poll.js';

/** More turns of the event loop than a poll may keep it awake for, at 0.05 ms each. */
const MANY_TURNS = 10;
const TURN_MS = 0.05;

describe('BusyPoll', () => {
  let nowMs: number;
  let turns: (() => void)[];
  let poll: BusyPoll;

  beforeEach(() => {
    nowMs = 0;
    turns = [];
    jest.spyOn(performance, 'now').mockImplementation(() => nowMs);
    jest.spyOn(globalThis, 'setImmediate').mockImplementation(((turn: () => void) => {
      turns.push(turn);
    }) as never);
    poll = new BusyPoll();
  });

  afterEach(() => {
    jest.restoreAllMocks();
  });

  /** Lets the loop turn while it is kept awake; returns how often it did. */
  function turnWhileAwake(): number {
    let count = 0;
    for (let turn = turns.shift(); turn && count < MANY_TURNS; turn = turns.shift()) {
      nowMs += TURN_MS;
      count++;
      turn();
    }
    return count;
  }

  async function missOne(): Promise<number> {
    let answer: () => void = () => undefined;
    poll.keepAwakeFor(new Promise<void>((resolve) => (answer = resolve)));
    const count = turnWhileAwake();
    answer();
    await Promise.resolve();
    return count;
  }

  it('keeps the event loop awake until the answer is there', async () => {
    let answer: () => void = () => undefined;
    poll.keepAwakeFor(new Promise<void>((resolve) => (answer = resolve)));
    expect(turns).toHaveLength(1);
    nowMs += TURN_MS;
    turns.shift()?.();
    expect(turns).toHaveLength(1);
    answer();
    await Promise.resolve();
    turns.shift()?.();
    expect(turns).toHaveLength(0);
  });

  it('treats a failure as an answer', async () => {
    poll.keepAwakeFor(Promise.reject(new Error('refused')));
    await Promise.resolve();
    turns.shift()?.();
    expect(turns).toHaveLength(0);
  });

  it('lets the loop sleep when no answer comes in a tenth of a millisecond', async () => {
    expect(await missOne()).toBe(2);
  });

  it('starts one poll for any number of answers, and ends it a while after the last was asked for', () => {
    const never = new Promise<void>(() => undefined);
    poll.keepAwakeFor(never);
    nowMs += TURN_MS;
    poll.keepAwakeFor(never);
    expect(turns).toHaveLength(1);
    expect(turnWhileAwake()).toBe(2);
  });

  it('polls ever more rarely while answers take longer, but at every 64th still', async () => {
    const polled: number[] = [];
    for (let call = 1; call <= 200; call++) if ((await missOne()) > 0) polled.push(call);
    expect(polled).toEqual([1, 3, 7, 15, 31, 63, 127, 191]);
  });

  it('polls every time again as soon as one answer was in time', async () => {
    const polled: number[] = [];
    for (let call = 1; call <= 10; call++) if ((await missOne()) > 0) polled.push(call);
    expect(polled).toEqual([1, 3, 7]);
    for (let call = 11; call < 15; call++) await missOne();
    poll.keepAwakeFor(Promise.resolve());
    await Promise.resolve();
    turns.shift()?.();
    expect(await missOne()).toBeGreaterThan(0);
  });
});
