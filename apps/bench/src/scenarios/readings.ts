import type { Reading } from '../meter.js';
import type { Measure } from './scenario.js';

/** What a scenario that yields a {@link Reading} tells: its speed, and what a task costs. */
export function measuresOfReading(scenario: string, title: string, client: string): Measure[] {
  const cost = (name: keyof Reading, what: string, unit: string): Measure => ({
    name: `${scenario}.${name}`,
    title: `${title}: ${what}`,
    unit,
    better: 'lower',
    isCost: true,
  });
  return [
    {
      name: `${scenario}.tasksPerSecond`,
      title,
      unit: 'tasks/s',
      better: 'higher',
      isCost: false,
    },
    cost('redisCpuMicros', 'Redis CPU', 'µs/task'),
    cost('clientCpuMicros', `${client} CPU`, 'µs/task'),
    cost('redisCommands', 'Redis commands, in scripts too', '/task'),
    cost('clientCalls', `calls of the ${client}`, '/task'),
  ];
}

/** The measurement itself asks Redis a few times; no contender needs so few calls. */
const CALLS_OF_OTHERS = 0.0005;

/** A reading under the names of its measures. Of a client that is not ioredis no calls are counted. */
export function valuesOfReading(scenario: string, reading: Reading): Record<string, number> {
  return Object.fromEntries(
    Object.entries(reading)
      .filter(([name, value]) => name !== 'clientCalls' || value > CALLS_OF_OTHERS)
      .map(([name, value]) => [`${scenario}.${name}`, value as number]),
  );
}
