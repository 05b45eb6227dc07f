import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const GRACE_MS = 2_000;

/**
 * Fails the run when a process started by a test is still alive after it, and ends that process.
 * Linux only: elsewhere there is no /proc to read the mark from.
 */
export default async function failOnLeakedProcesses() {
  if (!existsSync('/proc/self/environ')) return;

  const mark = `STEM_TEST_RUN=${process.env.STEM_TEST_RUN}`;
  const deadline = Date.now() + GRACE_MS;
  let leaked = markedProcesses(mark);
  while (leaked.length > 0 && Date.now() < deadline) {
    await delay(50);
    leaked = markedProcesses(mark);
  }

  for (const { pid, command } of leaked) {
    console.error(`Leaked process: a test left ${pid} running: ${command}`);
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended between the listing and now.
    }
  }
  // Not a throw: Jest would then drop its summary of the tests.
  if (leaked.length > 0) process.exitCode = 1;
}

function markedProcesses(mark) {
  const found = [];
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
      if (!environment.includes(mark)) continue;
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      if (command !== '') found.push({ pid, command });
    } catch {
      // Gone already, or owned by somebody else.
    }
  }
  return found;
}
