import { Injectable, Logger } from '@nestjs/common';
import { Cron, CronExpression, Interval } from '@nestjs/schedule';

/** Nothing here knows of Stem: these are jobs as an application of @nestjs/schedule has them. */
@Injectable()
export class Housekeeping {
  readonly #log = new Logger('Housekeeping');
  readonly #failedOnce = new Set<string>();

  @Cron(CronExpression.EVERY_SECOND, { name: 'heartbeat' })
  heartbeat(): void {
    this.#log.log('heartbeat');
  }

  @Interval('cleanup', 2_000)
  cleanup(): void {
    this.#log.log('cleanup');
  }

  /** With Stem it is tried again, as every task is. */
  @Cron('*/5 * * * * *', { name: 'fetch-rates', timeZone: 'Europe/Berlin' })
  fetchRates(): void {
    const minute = new Date().toISOString().slice(0, 16);
    if (!this.#failedOnce.has(minute)) {
      this.#failedOnce.add(minute);
      throw new Error('the rates are not there yet');
    }
    this.#log.log('rates fetched');
  }
}
