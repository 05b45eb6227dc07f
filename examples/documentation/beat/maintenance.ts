import { Injectable } from '@nestjs/common';
import { Schedule, Task, type TaskContext } from 'nestjs-stem';

@Injectable()
export class Maintenance {
  @Task('maintenance.cleanup', { maxRetries: 2 })
  @Schedule('0 2 * * *', { timezone: 'Europe/Berlin', jitter: '5m', args: { olderThan: '30d' } })
  async cleanup(args: { olderThan: string }, ctx: TaskContext) {
    const tick = ctx.meta['stem.scheduledFor']; // the tick it is for, ISO 8601
    return { olderThan: args.olderThan, tick };
  }
}
