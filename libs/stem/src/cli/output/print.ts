import { hidePassword } from '../../core/errors.js';
import { complaintOf } from '../framework/cli-error.js';
import type { ExitCode } from '../exit-codes.js';
import { createPage, type Page } from './page.js';
import { visible, visibleLines } from './text.js';

/** Prints a report to stdout. */
export async function print(
  { json, text }: { json: unknown; text: (page: Page) => string },
  { json: asJson }: { readonly json: boolean },
): Promise<void> {
  const output = asJson ? JSON.stringify(json) : text(createPage());
  if (output === '') return;
  await new Promise<void>((resolve) => process.stdout.write(`${output}\n`, () => resolve()));
}

/** Prints to stderr what the library or an application would log. */
export function note(message: unknown): void {
  process.stderr.write(`${visibleLines(hidePassword(String(message)))}\n`);
}

/** Prints an error to stderr, in one line. Returns the exit code that it means. */
export function complain(
  error: unknown,
  { json, verbose }: { readonly json: boolean; readonly verbose: boolean },
): ExitCode {
  const { code, exitCode, message, causes } = complaintOf(error);
  if (json) {
    const more = verbose ? { causes } : {};
    process.stderr.write(`${JSON.stringify({ error: { code, message, exitCode, ...more } })}\n`);
    return exitCode;
  }
  const page = createPage(process.stderr);
  process.stderr.write(`${page.paint('red', 'stem:')} ${visible(message)}\n`);
  if (verbose) {
    for (const cause of causes) process.stderr.write(`${page.paint('dim', visibleLines(cause))}\n`);
  }
  return exitCode;
}
