import { Injectable } from '@nestjs/common';
import { Task, type TaskContext } from 'nestjs-stem';
import { transcode } from './transcode.js';

@Injectable()
export class VideoTasks {
  @Task('video.transcode', { maxRetries: 3, queue: 'video' })
  async transcode(args: { path: string }, ctx: TaskContext) {
    await ctx.progress(0.5);
    return transcode(args.path);
  }
}
