import type { StemClient } from 'nestjs-stem';
import type { Meter } from './meter.js';

/** @returns what ends it. */
export function recordHeartbeats(stem: StemClient, meter: Meter): () => void {
  const stopListening = stem.signals.on('workerHeartbeat', ({ running, held }) => {
    meter.record('tasks_running', 'running', running);
    meter.record('tasks_held', 'held', held); // those that wait in this process included
  });
  return stopListening;
}
