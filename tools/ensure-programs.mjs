import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';

const POLICY = '/usr/sbin/policy-rc.d';

/**
 * The tests start private servers from the redis-server program, and make certificates for them with
 * openssl. Where that is allowed, what is missing is installed; otherwise the line to show to the user is
 * returned.
 */
export function ensurePrograms() {
  if (missing().length === 0) return undefined;

  const canInstall = process.getuid?.() === 0 && succeeds('apt-get', '--version');
  if (canInstall) {
    console.log(`Installing with apt-get what is missing: ${missing().join(', ')}`);
    installWithoutService(missing());
    if (missing().length === 0) return undefined;
  }
  return 'The tests need redis-server 7.0 or newer and openssl on the PATH (Debian, Ubuntu: apt-get install redis-server openssl; macOS: brew install redis openssl)';
}

function missing() {
  return [
    ['redis-server', '--version'],
    ['openssl', 'version'],
  ].flatMap(([program, option]) => (succeeds(program, option) ? [] : [program]));
}

/** Debian starts a service on 6379 with redis-server; the tests neither need nor want it. */
function installWithoutService(packages) {
  const ownPolicy = !existsSync(POLICY);
  if (ownPolicy) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    run('apt-get', 'update', '-q');
    run('apt-get', 'install', '-q', '-y', ...packages);
  } finally {
    if (ownPolicy) rmSync(POLICY, { force: true });
  }
  // Somebody else's redis-server is none of our business.
  if (!packages.includes('redis-server')) return;
  // A policy that was there before may have let the service start, and systemd enables it for the
  // next boot.
  if (existsSync('/run/systemd/system')) succeeds('systemctl', 'disable', '--now', 'redis-server');
  else succeeds('service', 'redis-server', 'stop');
}

function run(command, ...args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const { status, stdout, stderr } = spawnSync(command, args, { env, encoding: 'utf8' });
  if (status !== 0) console.error(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`);
}

function succeeds(command, ...args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}
