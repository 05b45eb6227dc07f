import { Injectable } from '@nestjs/common';
import { Schedule, Task } from 'nestjs-stem';
import { Rows } from './rows.js';

@Injectable()
export class Maintenance {
  constructor(private readonly rows: Rows) {}

  @Schedule('0 2 * * *', { id: 'cleanup', timezone: 'Europe/Berlin' })
  @Task('maintenance.cleanup', 1)
  async cleanup(): Promise<void> {
    await this.rows.deleteOld();
  }
}
