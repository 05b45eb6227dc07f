/** What the processes of the chaos test are told by the one that starts them. */
export interface ChaosEnvironment {
  readonly redisUrl: string;
  readonly namespace: string;
  readonly partitions: number;
  readonly ledgerFolder: string;
  readonly processName: string;
  readonly leaseMs: number;
  readonly commandTimeoutMs: number;
  readonly concurrency: number;
  readonly seed: number;
}

const VARIABLES: Readonly<Record<keyof ChaosEnvironment, string>> = {
  redisUrl: 'CHAOS_REDIS',
  namespace: 'CHAOS_NAMESPACE',
  partitions: 'CHAOS_PARTITIONS',
  ledgerFolder: 'CHAOS_LEDGER',
  processName: 'CHAOS_PROCESS',
  leaseMs: 'CHAOS_LEASE_MS',
  commandTimeoutMs: 'CHAOS_COMMAND_TIMEOUT_MS',
  concurrency: 'CHAOS_CONCURRENCY',
  seed: 'CHAOS_SEED',
};

export function toVariables(environment: ChaosEnvironment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).map(([key, value]) => [
      VARIABLES[key as keyof ChaosEnvironment],
      String(value),
    ]),
  );
}

export function fromVariables(): ChaosEnvironment {
  const text = (key: keyof ChaosEnvironment): string => process.env[VARIABLES[key]] ?? '';
  return {
    redisUrl: text('redisUrl'),
    namespace: text('namespace'),
    partitions: Number(text('partitions')),
    ledgerFolder: text('ledgerFolder'),
    processName: text('processName'),
    leaseMs: Number(text('leaseMs')),
    commandTimeoutMs: Number(text('commandTimeoutMs')),
    concurrency: Number(text('concurrency')),
    seed: Number(text('seed')),
  };
}
