import { Controller, Get } from '@nestjs/common';
import { StemClient } from 'nestjs-stem';

@Controller('health')
export class HealthController {
  constructor(private readonly stem: StemClient) {}

  @Get()
  async check(): Promise<{ queued: number }> {
    const { queued } = await this.stem.queues.stats('default'); // throws, so 500, when the broker is away
    return { queued };
  }
}
