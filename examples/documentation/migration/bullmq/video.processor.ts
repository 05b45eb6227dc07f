import { Processor, WorkerHost } from '@nestjs/bullmq';
import type { Job } from 'bullmq';
import { transcode } from './transcode.js';

@Processor('video', { concurrency: 5 })
export class VideoProcessor extends WorkerHost {
  async process(job: Job<{ path: string }>) {
    if (job.name === 'transcode') {
      await job.updateProgress(50);
      return transcode(job.data.path);
    }
    throw new Error(`Unknown job ${job.name}`);
  }
}
