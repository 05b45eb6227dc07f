import { StemConfig, type StemOptions } from 'nestjs-stem';

/** Where tasks, results and schedules live, for both processes: what `STEM_*` variables say, or these. */
export const connections: StemOptions = {
  broker: 'redis://localhost:6379/0',
  resultBackend: 'redis://localhost:6379/1',
  scheduleStore: 'redis://localhost:6379/2',
  ...StemConfig.fromEnvironment(),
};
