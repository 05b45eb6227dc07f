import { InjectQueue } from '@nestjs/bullmq';
import { Injectable } from '@nestjs/common';
import { Queue } from 'bullmq';

@Injectable()
export class UploadService {
  constructor(@InjectQueue('video') private readonly queue: Queue) {}

  async upload(path: string) {
    const job = await this.queue.add(
      'transcode',
      { path },
      { attempts: 4, backoff: { type: 'exponential', delay: 1000 }, jobId: path },
    );
    return job.id;
  }
}
