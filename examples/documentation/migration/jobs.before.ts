import { Injectable } from '@nestjs/common';
import { Cron, CronExpression, Interval } from '@nestjs/schedule';
import { deleteOldRows, pollPartner } from './housework.js';

@Injectable()
export class Jobs {
  @Cron(CronExpression.EVERY_DAY_AT_2AM, {
    name: 'cleanup',
    timeZone: 'Europe/Berlin',
  })
  async cleanup() {
    await deleteOldRows();
  }

  @Interval(60_000)
  async poll() {
    await pollPartner();
  }
}
