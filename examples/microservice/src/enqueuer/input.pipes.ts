import { type ArgumentMetadata, BadRequestException, type PipeTransform } from '@nestjs/common';
import type { Duration } from 'nestjs-stem';
import type { GreetingArgs } from '../greeting.js';

const LONGEST_HOLD_MS = 60_000;

export class GreetingPipe implements PipeTransform<unknown, GreetingArgs> {
  transform(body: unknown): GreetingArgs {
    const { name, holdMs } = Object(body) as Record<string, unknown>;
    if (typeof name !== 'string' || name.trim() === '') {
      throw new BadRequestException('name must be a text that is not blank');
    }
    if (holdMs === undefined) return { name: name.trim() };
    if (typeof holdMs !== 'number' || !(holdMs >= 0 && holdMs <= LONGEST_HOLD_MS)) {
      throw new BadRequestException(`holdMs must be a number from 0 to ${LONGEST_HOLD_MS}`);
    }
    return { name: name.trim(), holdMs };
  }
}

/** Accepts a duration such as `500ms`, `10s` or `1m`, or none. */
export class DurationPipe implements PipeTransform<unknown, Duration | undefined> {
  transform(value: unknown, { data }: ArgumentMetadata): Duration | undefined {
    if (value === undefined) return undefined;
    if (typeof value === 'string' && /^\d{1,6}(ms|s|m)$/.test(value)) return value as Duration;
    throw new BadRequestException(`${data} must be a duration such as 500ms, 10s or 1m`);
  }
}
