import { once } from 'node:events';
import { BullModule, getQueueToken } from '@nestjs/bullmq';
import type { Job, Queue } from 'bullmq';
import { startRedisServer } from '../../../../test/support/redis-server.js';
import { start } from '../../support/application.js';
import { UploadService } from './upload.service.js';
import { VideoProcessor } from './video.processor.js';

it('what the page begins with works with BullMQ', async () => {
  const redis = await startRedisServer();
  try {
    const connection = { host: '127.0.0.1', port: redis.port };
    const app = await start({
      imports: [BullModule.forRoot({ connection }), BullModule.registerQueue({ name: 'video' })],
      providers: [VideoProcessor, UploadService],
    });
    const { worker } = app.get(VideoProcessor);
    const completed = once(worker, 'completed');
    expect(await app.get(UploadService).upload('cat.avi')).toBe('cat.avi');
    const [job, result] = (await completed) as [Job, string];
    expect(job).toMatchObject({ id: 'cat.avi', progress: 50, attemptsMade: 1 });
    expect(result).toBe('cat.mp4');

    await app.get(UploadService).upload('cat.avi');
    const queue = app.get<Queue>(getQueueToken('video'));
    expect(await queue.getJobCounts()).toMatchObject({ completed: 1, waiting: 0 });

    const failed = once(worker, 'failed');
    await queue.add('rotate', { path: 'cat.avi' });
    expect((await failed)[1]).toMatchObject({ message: 'Unknown job rotate' });
    await app.close();
  } finally {
    await redis.stop();
  }
});
