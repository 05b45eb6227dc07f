import { group } from '../../framework/entry.js';
import { StemCommandGroup } from '../../framework/stem-command.js';
import { StemObserveDlqCommand } from './dlq.command.js';
import { StemObserveEventsCommand } from './events.command.js';
import { StemObserveMetricsCommand } from './metrics.command.js';
import { StemObserveQueuesCommand } from './queues.command.js';
import { StemObserveSchedulesCommand } from './schedules.command.js';
import { StemObserveWorkersCommand } from './workers.command.js';

class StemObserveGroup extends StemCommandGroup {}

export const OBSERVE = group(
  StemObserveGroup,
  'observe',
  'Shows what happens, over all processes',
  [
    StemObserveMetricsCommand,
    StemObserveQueuesCommand,
    StemObserveWorkersCommand,
    StemObserveSchedulesCommand,
    StemObserveDlqCommand,
    StemObserveEventsCommand,
  ],
);
