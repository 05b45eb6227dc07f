import { isMainThread } from 'node:worker_threads';
import { Injectable } from '@nestjs/common';
import { Task } from 'nestjs-stem';

export interface Found {
  readonly primes: number;
  readonly where: 'event loop' | 'thread';
}

@Injectable()
export class NumberTasks {
  @Task('primes.inline')
  inline({ forMs }: { forMs: number }): Found {
    return countPrimes(forMs);
  }

  @Task('primes.isolated', { isolate: true })
  isolated({ forMs }: { forMs: number }): Found {
    return countPrimes(forMs);
  }

  /** Ended by its limit, as nothing else could end it. */
  @Task('never.ends', { isolate: true, hardTimeLimit: '300ms', maxRetries: 0 })
  neverEnds(): void {
    for (;;);
  }
}

/** Computes without a pause. */
function countPrimes(forMs: number): Found {
  const end = performance.now() + forMs;
  let primes = 0;
  for (let n = 2; performance.now() < end; n++) if (isPrime(n)) primes++;
  return { primes, where: isMainThread ? 'event loop' : 'thread' };
}

function isPrime(n: number): boolean {
  for (let divisor = 2; divisor * divisor <= n; divisor++) if (n % divisor === 0) return false;
  return true;
}
