import { Injectable } from '@nestjs/common';
import { StemClient } from 'nestjs-stem';

@Injectable()
export class UploadService {
  constructor(private readonly stem: StemClient) {}

  async upload(path: string) {
    const task = await this.stem.enqueue('video.transcode', { path }, { id: path });
    return task.id;
  }
}
