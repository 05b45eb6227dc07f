import { Module } from '@nestjs/common';

export class Settings {
  readonly redisUrl = 'redis://localhost:6379/1';
}

@Module({ providers: [Settings], exports: [Settings] })
export class SettingsModule {}
