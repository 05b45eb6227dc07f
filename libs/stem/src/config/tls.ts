import { readFileSync } from 'node:fs';
import type { TlsOptions } from '../broker/broker-config.js';
import { StemConfigError } from '../core/errors.js';
import { refuseUnknownOptions, requireBoolean, requireObject } from './checks.js';
import type { TlsFiles } from './stem-options.js';

const KNOWN = ['caCert', 'clientCert', 'clientKey', 'allowInsecure'] as const;

/**
 * Reads the files that `tls` names.
 *
 * @throws {StemConfigError} when a file cannot be read, or only one of certificate and key is given.
 */
export function readTls(tls: TlsFiles | undefined): TlsOptions | undefined {
  if (tls === undefined) return undefined;
  requireObject(tls, 'tls', `an object with ${KNOWN.join(', ')}`);
  refuseUnknownOptions(tls, KNOWN, 'tls.');
  if ((tls.clientCert === undefined) !== (tls.clientKey === undefined)) {
    const missing = tls.clientCert === undefined ? 'tls.clientCert' : 'tls.clientKey';
    throw new StemConfigError({
      option: missing,
      expected: 'the path of a PEM file: tls.clientCert and tls.clientKey belong together',
    });
  }
  const allowInsecure =
    tls.allowInsecure !== undefined && requireBoolean(tls.allowInsecure, 'tls.allowInsecure');
  const options: TlsOptions = {
    ...(tls.caCert === undefined ? {} : { ca: readPem(tls.caCert, 'tls.caCert') }),
    ...(tls.clientCert === undefined ? {} : { cert: readPem(tls.clientCert, 'tls.clientCert') }),
    ...(tls.clientKey === undefined ? {} : { key: readPem(tls.clientKey, 'tls.clientKey') }),
    ...(allowInsecure ? { rejectUnauthorized: false } : {}),
  };
  return Object.keys(options).length ? options : undefined;
}

/** @throws {StemConfigError} naming `option` unless `path` names a file that can be read. */
export function readPem(path: unknown, option: string): string {
  const refuse = (why: string, cause?: unknown): StemConfigError =>
    new StemConfigError(
      { option, value: path, expected: `the path of a PEM file that can be read${why}` },
      { cause },
    );
  if (typeof path !== 'string') throw refuse('');
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw refuse(` (${(error as NodeJS.ErrnoException).code ?? String(error)})`, error);
  }
}
