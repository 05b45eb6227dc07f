import type { LoggerService } from '@nestjs/common';
import { inspect } from 'node:util';
import type { LogLevel } from '../../worker/isolation/protocol.js';
import type { ThreadPort } from '../../worker/isolation/thread-port.js';

/**
 * Takes what the application in a thread logs to the main thread, whose logger may be any. What Nest
 * says of a boot that goes well is left out: every thread would say it again.
 */
export class ThreadLogger implements LoggerService {
  readonly #port: ThreadPort;
  #isBooting = true;

  constructor(port: ThreadPort) {
    this.#port = port;
  }

  /** The boot is over; from now on everything is passed on. */
  open(): void {
    this.#isBooting = false;
  }

  log(...parts: unknown[]): void {
    this.#pass('log', parts);
  }

  error(...parts: unknown[]): void {
    this.#pass('error', parts);
  }

  warn(...parts: unknown[]): void {
    this.#pass('warn', parts);
  }

  debug(...parts: unknown[]): void {
    this.#pass('debug', parts);
  }

  verbose(...parts: unknown[]): void {
    this.#pass('verbose', parts);
  }

  fatal(...parts: unknown[]): void {
    this.#pass('fatal', parts);
  }

  #pass(level: LogLevel, parts: readonly unknown[]): void {
    if (this.#isBooting && (level === 'log' || level === 'debug' || level === 'verbose')) return;
    try {
      this.#port.tell({ type: 'app-log', level, parts });
    } catch {
      // Something in it cannot be cloned.
      const texts = parts.map((part) => (typeof part === 'string' ? part : inspect(part)));
      this.#port.tell({ type: 'app-log', level, parts: texts });
    }
  }
}
