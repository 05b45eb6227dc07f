import { Module } from '@nestjs/common';
import { StemModule } from 'nestjs-stem';
import { EmailTasks } from './email.tasks.js';
import { Settings, SettingsModule } from './settings.module.js';

@Module({
  imports: [
    StemModule.forRootAsync({
      imports: [SettingsModule],
      inject: [Settings],
      useFactory: (settings: Settings) => ({ broker: settings.redisUrl }),
    }),
  ],
  providers: [EmailTasks],
})
export class AsyncModule {}
