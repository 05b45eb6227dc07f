import type { Command } from './commander.js';
import { type Duration, parseDuration } from '../../core/duration.js';

/** An option of a command: how it is written, and how its text is read. */
export interface OptionSpec<T> {
  /** As commander takes them: `-q, --queue <name>`. */
  readonly flags: string;
  readonly description: string;
  /** @throws {Error} with the reason, when the text cannot be used. */
  parse?(text: string, previous: T | undefined): T;
  readonly fallback?: T;
  readonly choices?: readonly string[];
  readonly required?: boolean;
}

export type OptionSpecs = Readonly<Record<string, OptionSpec<unknown>>>;

/** What `execute` gets: the values by the names that the command gave to its options. */
export type ValuesOf<S extends OptionSpecs> = {
  readonly [K in keyof S]: S[K] extends OptionSpec<infer T> ? T : never;
};

export const text = (flags: string, description: string): OptionSpec<string | undefined> => ({
  flags,
  description,
});

export const requiredText = (flags: string, description: string): OptionSpec<string> => ({
  flags,
  description,
  required: true,
});

/** May be given several times. */
export const texts = (flags: string, description: string): OptionSpec<readonly string[]> => ({
  flags,
  description: `${description}; may be given several times`,
  parse: (value, previous) => [...(previous ?? []), value],
  fallback: [],
});

export const flag = (flags: string, description: string): OptionSpec<boolean> => ({
  flags,
  description,
  fallback: false,
});

export const choice = <const T extends string>(
  flags: string,
  description: string,
  choices: readonly T[],
): OptionSpec<T | undefined> => ({ flags, description, choices });

export function count(
  flags: string,
  description: string,
  bounds: { min?: number; max?: number; fallback: number },
): OptionSpec<number>;
export function count(
  flags: string,
  description: string,
  bounds?: { min?: number; max?: number },
): OptionSpec<number | undefined>;
export function count(
  flags: string,
  description: string,
  {
    min = 0,
    max = 1_000_000_000,
    fallback,
  }: { min?: number; max?: number; fallback?: number } = {},
): OptionSpec<number | undefined> {
  return {
    flags,
    description,
    parse: (value) => {
      const number = Number(value);
      if (!/^\d+$/.test(value) || number < min || number > max) {
        throw new Error(`expected a whole number from ${min} to ${max}`);
      }
      return number;
    },
    ...(fallback === undefined ? {} : { fallback }),
  };
}

/** As `10s`, `5m`, `2h`, `1d`; checked here, read by the library. */
export const duration = (
  flags: string,
  description: string,
  fallback?: Duration,
): OptionSpec<Duration | undefined> => ({
  flags,
  description,
  parse: readDuration,
  ...(fallback === undefined ? {} : { fallback }),
});

function readDuration(value: string): Duration {
  try {
    parseDuration(value, 'duration');
  } catch {
    throw new Error('expected a duration such as 500ms, 10s, 5m, 2h, 1d');
  }
  return /^[\d.]+$/.test(value) ? Number(value) : (value as Duration);
}

/** A point in time: `2026-12-24T18:00:00Z`, or how long ago: `2h`. */
export const past = (flags: string, description: string): OptionSpec<Date | undefined> => ({
  flags,
  description: `${description}: a time (2026-12-24T18:00:00Z) or how long ago (2h)`,
  parse: (value) => {
    const date = /^[\d.]+\s*(ms|s|m|h|d)$/.test(value)
      ? new Date(Date.now() - parseDuration(value, 'time'))
      : new Date(value);
    if (Number.isNaN(date.getTime())) {
      throw new Error('expected a time such as 2026-12-24T18:00:00Z, or how long ago, such as 2h');
    }
    return date;
  },
});

export const time = (flags: string, description: string): OptionSpec<Date | undefined> => ({
  flags,
  description,
  parse: (value) => {
    const date = new Date(value);
    if (Number.isNaN(date.getTime())) throw new Error('expected a time: 2026-12-24T18:00:00Z');
    return date;
  },
});

export const json = (flags: string, description: string): OptionSpec<unknown> => ({
  flags,
  description,
  parse: (value) => {
    try {
      return JSON.parse(value) as unknown;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(`expected JSON: ${why}`, { cause: error });
    }
  },
});

/** `key=value`, several times; the values are texts. */
export const pairs = (
  flags: string,
  description: string,
): OptionSpec<Readonly<Record<string, string>>> => ({
  flags,
  description: `${description}; may be given several times`,
  parse: (value, previous) => {
    const at = value.indexOf('=');
    if (at < 1) throw new Error('expected key=value');
    return { ...previous, [value.slice(0, at)]: value.slice(at + 1) };
  },
  fallback: {},
});

/** `key=value`, several times; a value that is JSON counts as what it says, any other as text. */
export const jsonPairs = (
  flags: string,
  description: string,
): OptionSpec<Readonly<Record<string, unknown>>> => ({
  ...(pairs(flags, description) as OptionSpec<Readonly<Record<string, unknown>>>),
  parse: (value, previous) => {
    const at = value.indexOf('=');
    if (at < 1) throw new Error('expected key=value');
    return { ...previous, [value.slice(0, at)]: jsonOrText(value.slice(at + 1)) };
  },
});

function jsonOrText(value: string): unknown {
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

/** Adds options to a command, whoever's commander it is of. */
export function addOptions(command: Command, specs: OptionSpecs, hidden = false): void {
  for (const spec of Object.values(specs)) {
    const option = command.createOption(spec.flags, spec.description);
    if (spec.choices) option.choices(spec.choices);
    else if (spec.parse) option.argParser(parserOf(spec));
    if (spec.required) option.makeOptionMandatory();
    if (hidden) option.hideHelp();
    if (typeof spec.fallback === 'number' || typeof spec.fallback === 'string') {
      option.description += ` (default: ${spec.fallback})`;
    }
    command.addOption(option);
  }
}

/** Defaults are added afterwards, so that an option before the sub-command is not covered by one. */
export function valuesOf<S extends OptionSpecs>(command: Command, specs: S): ValuesOf<S> {
  const given = command.optsWithGlobals();
  const values = Object.entries(specs).map(([name, spec]) => {
    const key = command.createOption(spec.flags).attributeName();
    return [name, (given[key] as unknown) ?? spec.fallback] as const;
  });
  return Object.fromEntries(values) as ValuesOf<S>;
}

function parserOf(spec: OptionSpec<unknown>) {
  return (value: string, previous: unknown): unknown => {
    try {
      return spec.parse?.(value, previous);
    } catch (error) {
      // How commander recognises a parser's refusal, without its class: it may be another copy's.
      throw Object.assign(error as Error, {
        code: 'commander.invalidArgument',
        exitCode: 1,
      });
    }
  };
}
