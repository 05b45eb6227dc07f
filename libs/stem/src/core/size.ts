import { StemConfigError } from './errors.js';

/** An amount of memory: a number of bytes, or a text such as `512kb`, `256mb`, `1gb`. */
export type ByteSize = number | `${number}${'kb' | 'mb' | 'gb'}`;

const UNIT_BYTES = { b: 1, kb: 1_024, mb: 1_048_576, gb: 1_073_741_824 } as const;
const FORM = /^(\d+(?:\.\d+)?)\s*(b|kb|mb|gb)?$/i;

/**
 * Reads an amount of memory as whole bytes.
 *
 * @param option what it came from, for the error.
 * @throws {StemConfigError} when it is none, or is out of bounds.
 */
export function parseByteSize(
  value: unknown,
  option: string,
  { min, max }: { readonly min: number; readonly max: number },
): number {
  const bytes = toBytes(value);
  if (bytes === undefined || !(bytes >= min && bytes <= max)) {
    throw new StemConfigError({
      option,
      value,
      expected:
        `${formatMegabytes(min)} to ${formatMegabytes(max)}: bytes as a number, or a text such as ` +
        `'512kb', '256mb', '1gb'`,
    });
  }
  return Math.round(bytes);
}

function toBytes(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return undefined;
  const match = FORM.exec(value.trim());
  if (!match) return undefined;
  const unit = (match[2] ?? 'b').toLowerCase() as keyof typeof UNIT_BYTES;
  return Number(match[1]) * UNIT_BYTES[unit];
}

function formatMegabytes(bytes: number): string {
  return `${Math.floor(bytes / UNIT_BYTES.mb)}mb`;
}
