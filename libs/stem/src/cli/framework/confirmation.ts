import { usageError } from './cli-error.js';
import { flag } from './options.js';

/** Options of commands that change what cannot be brought back. */
export const CONFIRMATION = {
  yes: flag('-y, --yes', 'do it'),
  dryRun: flag('--dry-run', 'only say what would be done'),
} as const;

/**
 * Refuses a command that was given neither `--yes` nor `--dry-run`; there is no question to answer, so
 * that a script does not wait for one.
 *
 * @param what the command would do: `delete schedule 'cleanup'`.
 */
export function requireConfirmation(
  given: { readonly yes: boolean; readonly dryRun: boolean },
  what: string,
): void {
  if (given.yes && given.dryRun) throw usageError('Give either --yes or --dry-run.');
  if (given.yes || given.dryRun) return;
  throw usageError(`This would ${what}. Add --yes to do it, or --dry-run to see what it would do.`);
}
