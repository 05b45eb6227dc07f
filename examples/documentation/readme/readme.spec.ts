import { StemClient } from 'nestjs-stem';
import { start } from '../support/application.js';
import { startDefaultRedis } from '../support/default-redis.js';
import { knownWorkers } from '../support/known-workers.js';
import { AppModule } from './app.module.js';

it('the first task runs over Redis, too', async () => {
  const redis = await startDefaultRedis();
  try {
    const app = await start({ imports: [AppModule] });
    const stem = app.get(StemClient);
    const task = await stem.enqueue('email.send', { recipient: 'ops@example.com' });
    expect(await task.result()).toEqual({ sentTo: 'ops@example.com' });
    expect(await knownWorkers(stem)).toMatchObject([{ concurrency: 20 }]);
    await app.close();
  } finally {
    await redis.stop();
    jest.restoreAllMocks();
  }
});
