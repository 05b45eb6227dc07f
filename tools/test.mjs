#!/usr/bin/env node
/**
 * `npm test`: everything that has to hold before a commit: build, static checks, and all tests.
 * `npm test -- <jest arguments>`: the build, then Jest with these arguments.
 *
 * A failing static check does not hide the tests' outcome: the rest still runs, the exit code tells.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensurePrograms } from './ensure-programs.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const STATIC_CHECKS_AT_ONCE = 2;

process.exitCode = await main(process.argv.slice(2));

async function main(jestArguments) {
  const missing = ensurePrograms();
  if (missing !== undefined) {
    console.error(missing);
    return 1;
  }

  if (!(await step('build', 'tools/build.mjs'))) return 1;

  const failed = jestArguments.length > 0 ? [] : await staticChecks();
  if (!(await jest(jestArguments, failed))) return 1;
  return failed.length > 0 ? 1 : 0;
}

async function staticChecks() {
  const checks = [
    ['lint', 'node_modules/eslint/bin/eslint.js', '.'],
    ['typecheck', 'node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'],
    ['format:check', 'node_modules/prettier/bin/prettier.cjs', '--check', '.'],
    ['check:imports', 'tools/check-imports.mjs'],
    ['README figures', 'tools/document-benchmark.mjs', '--check'],
    ['docs:api --emit none', 'node_modules/typedoc/bin/typedoc', '--emit', 'none'],
  ];
  if (existsSync(join(root, 'tools/embed-lua.mjs'))) {
    checks.push(['generate --check', 'tools/embed-lua.mjs', '--check']);
  }

  const failed = [];
  const lane = async () => {
    for (let check = checks.shift(); check !== undefined; check = checks.shift()) {
      if (!(await step(...check))) failed.push(check[0]);
    }
  };
  await Promise.all(Array.from({ length: STATIC_CHECKS_AT_ONCE }, lane));
  return failed;
}

/** Runs Jest in view and ends with the totals, alone on the last line. */
async function jest(jestArguments, failedChecks) {
  const folder = mkdtempSync(join(tmpdir(), 'stem-test-'));
  const outputFile = join(folder, 'result.json');
  try {
    const started = performance.now();
    const { code } = await node(
      ['node_modules/jest/bin/jest.js', '--json', `--outputFile=${outputFile}`, ...jestArguments],
      { stdio: 'inherit' },
    );
    const result = existsSync(outputFile) ? JSON.parse(readFileSync(outputFile, 'utf8')) : {};

    // A file that cannot even be loaded counts as one failure: Jest itself counts none of its tests.
    const failed = (result.numFailedTests ?? 0) + (result.numRuntimeErrorTestSuites ?? 0);
    const passed = result.numPassedTests ?? 0;
    const skipped = (result.numPendingTests ?? 0) + (result.numTodoTests ?? 0);
    const ranTests = passed + failed > 0;

    report('jest', code === 0 && ranTests, started);
    if (!ranTests) console.error('Jest ran no test');
    if (failedChecks.length > 0)
      console.error(`Failed before the tests: ${failedChecks.join(', ')}`);
    console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
    return code === 0 && ranTests;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function step(name, ...args) {
  const started = performance.now();
  const { code, output } = await node(args, { stdio: ['ignore', 'pipe', 'pipe'] });
  report(name, code === 0, started);
  if (code !== 0) console.error(output.trimEnd());
  return code === 0;
}

function report(name, ok, started) {
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${name.padEnd(18)} ${seconds.padStart(6)} s`);
}

function node(args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, ...options });
    let output = '';
    const collect = (chunk) => (output += chunk);
    child.stdout?.setEncoding('utf8').on('data', collect);
    child.stderr?.setEncoding('utf8').on('data', collect);
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}
