import { count, flag, text, type ValuesOf } from './options.js';

/** Options of every command; explicit ones beat `STEM_*` variables. */
export const GLOBAL_OPTIONS = {
  broker: text('--broker <url>', 'where tasks live (STEM_BROKER_URL)'),
  resultBackend: text('--result-backend <url>', 'where results live (STEM_RESULT_BACKEND_URL)'),
  scheduleStore: text('--schedule-store <url>', 'where schedules live (STEM_SCHEDULE_STORE_URL)'),
  namespace: text('--namespace <name>', 'of the application (STEM_NAMESPACE)'),
  partitions: count('--partitions <n>', 'how many there are; default: as many as are seen', {
    min: 1,
    max: 1_296,
  }),
  app: text('--app <file>', "compiled module of the application's root module: its options apply"),
  export: text('--export <name>', 'which export of that file is the root module'),
  stem: text('--stem <name>', 'which of several Stems of the application'),
  json: flag('--json', 'print JSON, for programs'),
  verbose: flag('--verbose', 'show what is behind an error'),
} as const;

export type GlobalOptions = ValuesOf<typeof GLOBAL_OPTIONS>;
