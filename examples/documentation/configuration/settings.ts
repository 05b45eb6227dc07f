import { Injectable, Module } from '@nestjs/common';

@Injectable()
export class Settings {
  readonly customer = 'acme';
}

@Module({ providers: [Settings], exports: [Settings] })
export class SettingsModule {}
