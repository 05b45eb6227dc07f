import { BusyPoll } from './busy-poll.js';

/** More turns of the event loop than a poll may keep it awake for. */
const MANY_TURNS = 10;
const TURN_MS = 1 / 16;

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

  it('is prolonged by calls that follow, but not for ever without an answer', async () => {
    const never = new Promise<void>(() => undefined);
    const turnsUntilAsleep = (): number => {
      let count = 0;
      for (let turn = turns.shift(); turn && count < MANY_TURNS; turn = turns.shift()) {
        poll.keepAwakeFor(never);
        expect(turns).toHaveLength(0); // one poll for all of them
        nowMs += TURN_MS;
        count++;
        turn();
      }
      return count;
    };
    poll.keepAwakeFor(never);
    expect(turnsUntilAsleep()).toBe(5);

    poll = new BusyPoll();
    poll.keepAwakeFor(never);
    nowMs += 2 * TURN_MS;
    poll.keepAwakeFor(Promise.resolve());
    await Promise.resolve();
    expect(turnsUntilAsleep()).toBe(5);
  });

  it('does not count an answer that was long in coming, and arrives in the poll for another', async () => {
    const answers: (() => void)[] = [];
    const ask = (): void =>
      poll.keepAwakeFor(new Promise<void>((resolve) => answers.push(resolve)));
    ask();
    expect(turnWhileAwake()).toBe(2);
    nowMs += 1;
    ask(); // passed over
    ask();
    expect(turns).toHaveLength(1);
    answers[0]?.();
    await Promise.resolve();
    expect(turnWhileAwake()).toBe(2);
    const polled: number[] = [];
    for (let call = 1; call <= 8; call++) if ((await missOne()) > 0) polled.push(call);
    expect(polled).toEqual([4]);
  });

  it('learns nothing from a turn that took longer than a poll may', async () => {
    for (let call = 1; call <= 3; call++) {
      poll.keepAwakeFor(new Promise<void>(() => undefined));
      nowMs += 1;
      expect(turns).toHaveLength(1);
      turnWhileAwake();
    }
    expect(await missOne()).toBe(2);
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
