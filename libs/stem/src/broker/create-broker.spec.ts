import { StemConfigError } from '../core/errors.js';
import type { Broker } from './broker.js';
import type { RedisConnection, ResolvedBrokerConfig, StoreTarget } from './broker-config.js';
import { createBroker, createResultBackend } from './create-broker.js';
import { MemoryBroker } from './memory/memory-broker.js';

const config = <T extends StoreTarget<never>>(target: T): ResolvedBrokerConfig & { target: T } => ({
  target,
  namespace: 'stem',
  partitions: 1,
  recordBytes: 1_000_000,
  commandTimeoutMs: 1_000,
  connectTimeoutMs: 1_000,
  onConnectFailure: 'fail',
});

const memory = (sharedAs?: string): Promise<Broker> =>
  createBroker(config({ kind: 'memory', sharedAs }));

const queuesOf = async (broker: Broker): Promise<string[]> =>
  (await broker.listQueues()).map(({ name }) => name);

describe('createBroker', () => {
  it('gives every memory:// tasks of its own', async () => {
    const [one, other] = [await memory(), await memory()];
    await one.pauseQueue('mail');
    expect(await queuesOf(other)).toEqual([]);
  });

  it('shares the tasks of one name, also after one of them was closed', async () => {
    const [one, other, stranger] = [await memory('x'), await memory('x'), await memory('y')];
    await one.pauseQueue('mail');
    await one.close();
    expect(await queuesOf(other)).toEqual(['mail']);
    expect(await queuesOf(stranger)).toEqual([]);
  });

  it('keeps namespaces of one name apart', async () => {
    const one = await memory('z');
    const target = { kind: 'memory', sharedAs: 'z' } as const;
    const other = await createBroker({ ...config(target), namespace: 'other' });
    await one.pauseQueue('mail');
    expect(await queuesOf(other)).toEqual([]);
  });

  it('takes a broker that was given ready-made', async () => {
    const instance = new MemoryBroker();
    const target: StoreTarget<Broker> = { kind: 'instance', instance };
    expect(await createBroker({ ...config({ kind: 'memory', sharedAs: undefined }), target })).toBe(
      instance,
    );
  });

  it.each<[string, RedisConnection]>([
    ['a URL', { url: 'redis://user:hunter2@127.0.0.1:1/3' }],
    ['options', { options: { host: '127.0.0.1', port: 1, password: 'hunter2' } }],
  ])('makes a Redis broker of %s without connecting it', async (_, connection) => {
    const broker = await createBroker(config({ kind: 'redis', connection }));
    expect(broker.description).toContain('127.0.0.1:1');
    expect(broker.description).not.toContain('hunter2');
    await broker.close();
  });

  it.each(['redis-broker', 'redis-result-backend'])(
    'says what to install when %s finds no ioredis',
    async (file) => {
      jest.doMock(`./redis/${file}.js`, () => {
        const message = `Cannot find package 'ioredis' imported from here`;
        throw Object.assign(new Error(message), { code: 'ERR_MODULE_NOT_FOUND' });
      });
      const target: StoreTarget<never> = { kind: 'redis', connection: { url: 'redis://h' } };
      const call =
        file === 'redis-broker'
          ? createBroker(config(target))
          : createResultBackend(config(target));
      await expect(call).rejects.toThrow(StemConfigError);
      await expect(call).rejects.toThrow('npm install ioredis');
      jest.dontMock(`./redis/${file}.js`);
    },
  );
});

describe('createResultBackend', () => {
  it('shares the results of one memory:// name', async () => {
    const named = config({ kind: 'memory', sharedAs: 'results' });
    const [one, other] = [await createResultBackend(named), await createResultBackend(named)];
    await one.put('key', '1', 1_000);
    expect(await other.get('key')).toBe('1');
  });
});
