import net from 'node:net';
import { type RedisServer, startRedisServer } from '../../../test/support/redis-server.js';

const DEFAULT_PORT = 6379;

/** A Redis of the test's own, to which connections to the default port of this process lead. */
export async function startDefaultRedis(): Promise<RedisServer> {
  const redis = await startRedisServer();
  const connect = net.createConnection as (options: net.TcpNetConnectOpts) => net.Socket;
  jest
    .spyOn(net, 'createConnection')
    .mockImplementation(((options: net.TcpNetConnectOpts) =>
      connect(
        options.port === DEFAULT_PORT
          ? { ...options, host: '127.0.0.1', port: redis.port }
          : options,
      )) as typeof net.createConnection);
  return redis;
}
