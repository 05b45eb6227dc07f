import { setTimeout as delay } from 'node:timers/promises';
import { parseDuration } from '../../core/duration.js';
import { duration, flag, type ValuesOf } from './options.js';
import type { Call, Report } from './stem-command.js';

/** Options of a command that can look again and again. */
export const WATCH = {
  watch: flag('--watch', 'look again and again, until Ctrl-C'),
  interval: duration('--interval <duration>', 'time between two looks', '2s'),
} as const;

/** Looks once, or again and again: a screen that is drawn anew on a terminal, one report after another elsewhere. */
export async function watch<S extends typeof WATCH>(
  call: Pick<Call<S>, 'say' | 'interrupted' | 'globals'> & {
    readonly options: ValuesOf<typeof WATCH>;
  },
  look: () => Promise<Report>,
): Promise<Report | void> {
  const { options, globals } = call;
  if (!options.watch) return look();
  const signal = call.interrupted();
  const pauseMs = parseDuration(options.interval, 'interval', { minMs: 100 });
  const redraws = process.stdout.isTTY && !globals.json;
  while (!signal.aborted) {
    const report = await look();
    if (redraws) process.stdout.write(CLEAR);
    await call.say(report);
    await delay(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}

/** To the upper left, and nothing below: without the flicker of clearing it all first. */
const CLEAR = '\u001b[H\u001b[J';
