import { Injectable } from '@nestjs/common';
import { Schedule, StemClient, Task } from 'nestjs-stem';

@Injectable()
export class ForgetTasks {
  constructor(private readonly stem: StemClient) {}

  @Schedule('0 4 * * *', { id: 'forget-dead-letters' })
  @Task('dead-letters.forget')
  async forget(): Promise<void> {
    const limit = Date.now() - 30 * 24 * 3600 * 1000;
    const letters = await this.stem.deadLetters.list({ limit: 100_000 });
    const old = letters.filter(({ finishedAt }) => finishedAt && finishedAt.getTime() < limit);
    await this.stem.deadLetters.purge({ ids: old.map(({ id }) => id) });
  }
}
