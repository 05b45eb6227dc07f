import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';
import { WATCH, watch } from '../../framework/watch.js';
import { workerTable } from '../../output/worker.js';

@StemSubCommand({
  name: 'workers',
  summary: 'Shows workers: slots, tasks in hand, heartbeat, event loop, memory, version',
  options: WATCH,
  examples: [['observe workers --watch --interval 1s', 'drawn anew every second']],
})
export class StemObserveWorkersCommand extends StemCommand<typeof WATCH> {
  protected async execute(call: Call<typeof WATCH>): Promise<Report | void> {
    const { stem } = await call.session();
    return watch(call, async () => {
      const workers = await stem.workers.list();
      return { json: workers, text: (page) => workerTable(workers, page) };
    });
  }
}
