import type { StemClient } from '../client/stem-client.js';
import { StemTestingError } from './testing-error.js';

const MEMBERS = Object.keys({
  queues: true,
  deadLetters: true,
  schedules: true,
  tasks: true,
  workers: true,
  events: true,
  signals: true,
  enqueue: true,
  enqueueMany: true,
  task: true,
  cancel: true,
  metrics: true,
  health: true,
} satisfies Record<keyof StemClient, true>);

/**
 * Stands where the client of a Stem would be that the application has not, and which it must not get in
 * production either: nobody need use it, and whoever does is told.
 */
export function missingClient(name: string, names: readonly string[]): StemClient {
  const complain = (): never => {
    throw new StemTestingError(
      `The application has no Stem '${name}'; there are ${names.join(', ')}. Inject the client of one of ` +
        `those, with @InjectStem('${names[0]}') or app.get(getStemToken('${names[0]}')).`,
    );
  };
  const descriptors = MEMBERS.map((member) => [member, { get: complain }] as const);
  return Object.defineProperties({}, Object.fromEntries(descriptors)) as StemClient;
}
