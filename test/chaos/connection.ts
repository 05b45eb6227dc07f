import type { RedisBroker } from '../../libs/stem/src/broker/redis/redis-broker.js';
import { readTarget } from '../../libs/stem/src/config/store-target.js';

type Connection = ConstructorParameters<typeof RedisBroker>[0]['connection'];

/** What a broker connects to whose URL this is, also one of a pair behind Sentinel. */
export function connectionTo(url: string): Connection {
  const target = readTarget(url, { option: 'broker', tls: undefined });
  if (target.kind !== 'redis') throw new Error(`${url} names no Redis`);
  return target.connection as Connection;
}
