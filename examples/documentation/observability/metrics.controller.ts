import { Controller, Get, Header } from '@nestjs/common';
import { PROMETHEUS_CONTENT_TYPE, prometheusText, StemClient } from 'nestjs-stem';

@Controller('metrics')
export class MetricsController {
  constructor(private readonly stem: StemClient) {}

  @Get()
  @Header('Content-Type', PROMETHEUS_CONTENT_TYPE)
  async scrape(): Promise<string> {
    return prometheusText(await this.stem.metrics({ window: '5m' }));
  }
}
