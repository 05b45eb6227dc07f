import { Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import type { HealthCheck } from '../client/health.js';
import type { StemClient } from '../client/stem-client.js';
import { StemConfigError } from '../core/errors.js';
import { getStemToken } from '../nest/inject-stem.decorator.js';

/** What {@link StemHealthIndicator.isHealthy} looks at. */
export interface StemIndicatorOptions {
  /**
   * Only these checks decide, and are shown. Default: all of them. `workers` and `beat` are about all
   * processes together: they belong to an alert, not to the probe that restarts a process, for which
   * `['broker']` is right.
   */
  readonly checks?: readonly HealthCheck['name'][];
  /** Name of the Stem, where an application has several. */
  readonly stem?: string;
}

const CHECKS: readonly HealthCheck['name'][] = [
  'broker',
  'result-backend',
  'schedule-store',
  'workers',
  'beat',
];

/** Shows `stem.health()` to @nestjs/terminus. List it among the providers beside `TerminusModule`. */
@Injectable()
export class StemHealthIndicator {
  readonly #indicators: HealthIndicatorService;
  readonly #modules: ModuleRef;

  constructor(indicators: HealthIndicatorService, modules: ModuleRef) {
    this.#indicators = indicators;
    this.#modules = modules;
  }

  /**
   * Never rejects because of what is unhealthy: that stands in the result, which terminus reads.
   *
   * @param key under which it is shown. Default `stem`.
   * @throws {StemConfigError} when there is no such check, or no such Stem in the application.
   */
  async isHealthy<const Key extends string = 'stem'>(
    key: Key = 'stem' as Key,
    { checks = CHECKS, stem }: StemIndicatorOptions = {},
  ): Promise<HealthIndicatorResult<Key>> {
    const unknown = checks.find((name) => !CHECKS.includes(name));
    if (unknown !== undefined || checks.length === 0) {
      throw new StemConfigError({
        option: 'checks',
        value: unknown ?? checks,
        expected: `some of ${CHECKS.join(', ')}`,
      });
    }
    const health = await this.#clientOf(stem).health();
    const looked = health.checks.filter(({ name }) => checks.includes(name));
    const details = Object.fromEntries(
      looked.map(({ name, healthy, latencyMs, reason }) => [
        name,
        {
          healthy,
          ...(latencyMs === undefined ? {} : { latencyMs }),
          ...(reason === undefined ? {} : { reason }),
        },
      ]),
    );
    const session = this.#indicators.check(key);
    const faults = looked.filter(({ healthy }) => !healthy);
    if (faults.length === 0) return session.up(details);
    const message = faults.map(({ name, reason }) => `${name}: ${reason}`).join('; ');
    return session.down({ message, ...details });
  }

  #clientOf(stem: string | undefined): StemClient {
    try {
      return this.#modules.get<StemClient>(getStemToken(stem), { strict: false });
    } catch (cause) {
      throw new StemConfigError(
        {
          option: 'stem',
          value: stem ?? 'default',
          expected: 'the name of a StemModule of this application',
        },
        { cause },
      );
    }
  }
}
