import { Injectable, Module } from '@nestjs/common';
import { StemModule, type StemOptions, type StemOptionsFactory } from 'nestjs-stem';
import { ReportTasks } from './report.tasks.js';
import { Settings, SettingsModule } from './settings.js';

@Injectable()
class StemSettings implements StemOptionsFactory {
  constructor(private readonly settings: Settings) {}

  createStemOptions(): StemOptions {
    return { namespace: `shop-of-${this.settings.customer}` };
  }
}

@Module({
  imports: [
    StemModule.forRootAsync({
      imports: [SettingsModule],
      useClass: StemSettings,
      worker: { queues: ['reports'] },
    }),
  ],
  providers: [ReportTasks],
})
export class AppModule {}
