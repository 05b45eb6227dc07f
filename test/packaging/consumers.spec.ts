import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { type Outcome, run } from './support/command.js';
import { install, packLibrary } from './support/npm.js';

/*
 * The library as its users meet it: packed, installed into new applications, checked by their
 * compilers and run by their Nodes. Nothing here reads the library's sources.
 */

type NestFolder = 'nest11' | 'nest12';
type App = 'nest12-esm' | 'nest12-cjs' | 'nest11-cjs';
type NodeVersion = 'this Node' | 'Node 24';

const FIXTURES = join(__dirname, 'fixtures');
const NODE_24 = `node-${process.platform}-${process.arch}@24.21.0`;
const NODES: readonly NodeVersion[] = ['this Node', 'Node 24'];

/** Folder and compiler of each application; the compiler is the one that `npm install` gives. */
const APPS: Readonly<Record<App, { nest: NestFolder; compiler: string }>> = {
  'nest12-esm': { nest: 'nest12', compiler: 'typescript-7' },
  'nest12-cjs': { nest: 'nest12', compiler: 'typescript' },
  'nest11-cjs': { nest: 'nest11', compiler: 'typescript' },
};

/** What every application prints, wherever its tasks live. */
const PUBLISHED = {
  messageId: '1:ADA@EXAMPLE.COM',
  digest: '2:a+b',
  progress: 0.5,
  oneClient: true,
  audit: ['email.digest retries: Error: the first try fails', 'email.send succeeded'],
};
/** Optional peers without which an entry point cannot be loaded. */
const PEER_OF: Readonly<Record<string, string>> = {
  'nestjs-stem/cli': 'nest-commander',
  'nestjs-stem/terminus': '@nestjs/terminus',
};

/** Makes Node behave like tools that do not know the condition `module-sync`, such as Jest. */
const COMMONJS_COPY = '--no-experimental-require-module';

// Room for a registry that has to be asked twice.
jest.setTimeout(300_000);

let root: string;
let redis: RedisServer;
const built = new Map<App, Promise<Outcome>>();

beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'stem-consumers-')));
  const tarball = await packLibrary(root);
  const node24 = join(root, 'node24');
  await mkdir(node24);
  [redis] = await Promise.all([
    startRedisServer(),
    createApps('nest12', tarball),
    createApps('nest11', tarball),
    install(node24, NODE_24),
  ]);
});

afterAll(async () => {
  await redis?.stop();
  if (root) await rm(root, { recursive: true, force: true });
});

/** One node_modules for all applications of a Nest version. */
async function createApps(nest: NestFolder, tarball: string): Promise<void> {
  const folder = join(root, nest);
  await cp(join(FIXTURES, nest), folder, { recursive: true });
  for (const file of [
    'apps/tsconfig.strict.json',
    'same-exports.mjs',
    'mounted-cli.mjs',
    'node-test.mjs',
  ]) {
    await cp(join(FIXTURES, file), join(folder, file.replace('apps/', '')));
  }
  for (const app of appsOf(nest)) {
    await cp(join(FIXTURES, 'apps', app), folderOf(app), { recursive: true });
    await cp(join(FIXTURES, 'app/src'), join(folderOf(app), 'src'), { recursive: true });
  }
  await install(folder, tarball);
}

function appsOf(nest: NestFolder): App[] {
  return (Object.keys(APPS) as App[]).filter((app) => APPS[app].nest === nest);
}

function folderOf(app: App): string {
  return join(root, APPS[app].nest, app);
}

function nodeBinary(version: NodeVersion): string {
  return version === 'this Node'
    ? process.execPath
    : join(root, 'node24/node_modules', NODE_24.replace(/@.*/, ''), 'bin/node');
}

function tsc(nest: NestFolder, compiler: string, cwd: string, args: string[]): Promise<Outcome> {
  const program = join(root, nest, 'node_modules', compiler, 'bin/tsc');
  return run(process.execPath, [program, '--pretty', 'false', ...args], { cwd });
}

/** Compiles an application, once. */
function build(app: App): Promise<Outcome> {
  const { nest, compiler } = APPS[app];
  const outcome = built.get(app) ?? tsc(nest, compiler, folderOf(app), ['-p', '.']);
  built.set(app, outcome);
  return outcome;
}

async function start(
  app: App,
  node: NodeVersion,
  { broker, flags = [] }: { broker?: string; flags?: readonly string[] } = {},
): Promise<Outcome> {
  await build(app);
  return run(nodeBinary(node), [...flags, 'dist/main.js'], {
    cwd: folderOf(app),
    env: { NO_COLOR: '1', ...(broker === undefined ? {} : { STEM_BROKER_URL: broker }) },
  });
}

/** An application also has to end by itself: whatever it leaves open would keep it alive. */
function expectPublished({ code, stdout, output }: Outcome): void {
  expect({ code, output }).toEqual({ code: 0, output: expect.any(String) });
  expect(JSON.parse(stdout)).toEqual(PUBLISHED);
}

/** That an application really used Redis; what it left there is removed. */
async function expectLeftInRedis(): Promise<void> {
  const client = new Redis(redis.url());
  try {
    expect(await client.keys('*consumer*')).not.toEqual([]);
    await client.flushall();
  } finally {
    client.disconnect();
  }
}

/** `nestjs-stem`, `nestjs-stem/testing`, …: everything with types that the package exports. */
async function entryPoints(nest: NestFolder): Promise<string[]> {
  const manifest = await readFile(
    join(root, nest, 'node_modules/nestjs-stem/package.json'),
    'utf8',
  );
  const { exports } = JSON.parse(manifest) as { exports: Record<string, unknown> };
  return Object.keys(exports)
    .filter((subpath) => !subpath.endsWith('.json'))
    .map((subpath) => subpath.replace(/^\./, 'nestjs-stem'));
}

/** Entry points that can be loaded with the optional peers that are installed. */
async function loadableEntryPoints(nest: NestFolder): Promise<string[]> {
  return (await entryPoints(nest)).filter((specifier) => {
    const peer = PEER_OF[specifier];
    return peer === undefined || existsSync(join(root, nest, 'node_modules', peer));
  });
}

it('is tested on the Nodes it is meant to be tested on', async () => {
  const versions = await Promise.all(
    NODES.map(async (node) => (await run(nodeBinary(node), ['--version'], { cwd: root })).stdout),
  );
  expect(versions).toEqual([`${process.version}\n`, expect.stringMatching(/^v24\./)]);
});

describe.each(Object.keys(APPS) as App[])('a new application: %s', (app) => {
  it('type-checks strictly, library included, and has every misuse refused', async () => {
    expect(await build(app)).toMatchObject({ code: 0, output: '' });
  });

  it.each(NODES)('runs its tasks in memory on %s', async (node) => {
    expectPublished(await start(app, node));
  });
});

describe('an application with ioredis', () => {
  const apps = appsOf('nest12').flatMap((app) => NODES.map((node) => [app, node] as const));

  it.each(apps)('runs its tasks over Redis: %s on %s', async (app, node) => {
    expectPublished(await start(app, node, { broker: redis.url() }));
    await expectLeftInRedis();
  });

  it('may pass instances and options of ioredis 6, to the compiler', async () => {
    const outcome = await checkSource('nest12', 'typescript-7', 'ioredis', WITH_IOREDIS);
    expect(outcome).toMatchObject({ code: 0, output: '' });
  });
});

describe('an application without ioredis', () => {
  const ways = NODES.flatMap((node) => [
    [node, 'esm', []] as const,
    [node, 'cjs', [COMMONJS_COPY]] as const,
  ]);

  it.each(ways)('is told what to install, on %s by the %s copy', async (node, copy, flags) => {
    const { code, output } = await start('nest11-cjs', node, { broker: redis.url(), flags });
    expect(output).toMatch(
      /StemConfigError: The package ioredis is missing; .*npm install ioredis/,
    );
    expect(output).toContain(`/dist/${copy}/`);
    expect(code).toBe(1);
  });

  it.each(NODES)('runs its tasks in memory by the CommonJS copy on %s', async (node) => {
    expectPublished(await start('nest11-cjs', node, { flags: [COMMONJS_COPY] }));
  });

  it('runs its tasks over Redis once ioredis 5 is installed', async () => {
    const folder = join(root, 'nest11-with-ioredis');
    // Not where the other tests count on ioredis to be missing.
    await build('nest11-cjs');
    await cp(join(root, 'nest11'), folder, { recursive: true, verbatimSymlinks: true });
    await install(folder, 'ioredis@5.9.2');
    const cwd = join(folder, 'nest11-cjs');
    const env = { STEM_BROKER_URL: redis.url() };
    for (const flags of [[], [COMMONJS_COPY]]) {
      expectPublished(await run(process.execPath, [...flags, 'dist/main.js'], { cwd, env }));
      await expectLeftInRedis();
    }
  });
});

describe('import and require', () => {
  const ways = (['nest12', 'nest11'] as const).flatMap((nest) =>
    NODES.flatMap((node) =>
      ['import-first', 'require-first'].map((order) => [nest, node, order] as const),
    ),
  );

  it.each(ways)('give the very same classes: %s, %s, %s', async (nest, node, order) => {
    const specifiers = await loadableEntryPoints(nest);
    const { code, stdout, output } = await run(
      nodeBinary(node),
      ['same-exports.mjs', order, ...specifiers],
      { cwd: join(root, nest) },
    );
    expect({ code, output }).toEqual({ code: 0, output: expect.any(String) });
    const reports = stdout.trim().split('\n');
    expect(reports.map((report) => JSON.parse(report) as unknown)).toEqual(
      specifiers.map((specifier) => ({ specifier, exports: expect.any(Number), different: [] })),
    );
    expect(reports[0]).not.toContain('"exports":0');
  });
});

describe('the command line', () => {
  it.each(NODES)('needs nothing but the package: Nest 11 on %s', async (node) => {
    const cwd = join(root, 'nest11');
    const { version } = JSON.parse(
      await readFile(join(cwd, 'node_modules/nestjs-stem/package.json'), 'utf8'),
    ) as { version: string };
    expect(existsSync(join(cwd, 'node_modules/nest-commander'))).toBe(false);
    expect(await run(nodeBinary(node), ['node_modules/.bin/stem', '--version'], { cwd })).toEqual({
      code: 0,
      stdout: `${version}\n`,
      output: version,
    });
  });

  it.each([
    ['beside the commands of an application', [], /^Usage: mounted-cli task enqueue /],
    ['under a name', ['jobs'], /^Usage: mounted-cli jobs task enqueue /],
  ] as const)('is mounted %s', async (_, under, usage) => {
    const cwd = join(root, 'nest12');
    const env = { MOUNT: under.join() };
    const start = (...args: string[]): Promise<Outcome> =>
      run(process.execPath, ['mounted-cli.mjs', ...under, ...args], { cwd, env });

    expect(await start('task', 'enqueue', '--help')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(usage),
    });
    expect(await start('task', 'enqueue')).toMatchObject({ code: 64 });
    expect(await start('queue', 'list', '--broker', redis.url())).toMatchObject({ code: 0 });
  });
});

describe('nestjs-stem/testing', () => {
  const ways = (['nest12', 'nest11'] as const).flatMap((nest) =>
    NODES.flatMap((node) => [[], [COMMONJS_COPY]].map((flags) => [nest, node, flags] as const)),
  );

  // Ends by itself within the time that a command is given: nothing may stay open.
  it.each(ways)('tests an application with node:test: %s, %s %s', async (nest, node, flags) => {
    const options = { cwd: join(root, nest) };
    const { code, output } = await run(nodeBinary(node), [...flags, 'node-test.mjs'], options);
    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('pass 1') });
  });
});

describe('the types of every entry point', () => {
  it.each([
    ['nest11', 'typescript', 'commonjs', 'node10'],
    ['nest11', 'typescript', 'node16', 'node16'],
    ['nest11', 'typescript', 'esnext', 'bundler'],
    ['nest12', 'typescript', 'nodenext', 'nodenext'],
    ['nest12', 'typescript-7', 'esnext', 'bundler'],
  ] as const)(
    'are found: %s, %s, module %s, moduleResolution %s',
    async (nest, compiler, module, moduleResolution) => {
      const specifiers = await entryPoints(nest);
      const source = specifiers
        .map((specifier, index) => `export * as entry${index} from '${specifier}';\n`)
        .join('');
      const outcome = await checkSource(
        nest,
        compiler,
        `${compiler}-${module}-${moduleResolution}`,
        `import { StemModule } from 'nestjs-stem';
         export const imported: { module: unknown } = StemModule.forRoot({ namespace: 'shop' });
         // @ts-expect-error: not any, which it would be without types
         export const typed: string = StemModule.forRoot({});
         ${source}`,
        { module, moduleResolution, skipLibCheck: true },
      );
      expect(outcome).toMatchObject({ code: 0, output: '' });
    },
  );
});

const WITH_IOREDIS = `
  import { Redis, type RedisOptions } from 'ioredis';
  import { StemModule } from 'nestjs-stem';
  export const sharing = (redis: Redis) =>
    StemModule.forRoot({ broker: redis, resultBackend: redis, scheduleStore: redis });
  export const configured = (options: RedisOptions) =>
    StemModule.forRoot({ broker: options, resultBackend: options, scheduleStore: options });
`;

/** Has a compiler check one more file in the folder of a Nest version. */
async function checkSource(
  nest: NestFolder,
  compiler: string,
  name: string,
  source: string,
  compilerOptions: Readonly<Record<string, unknown>> = { module: 'nodenext' },
): Promise<Outcome> {
  const cwd = join(root, nest, `check-${name}`);
  await mkdir(cwd);
  await writeFile(join(cwd, 'index.ts'), source);
  await writeFile(
    join(cwd, 'tsconfig.json'),
    JSON.stringify({
      extends: '../tsconfig.strict.json',
      compilerOptions: { ...compilerOptions, noEmit: true },
    }),
  );
  return tsc(nest, compiler, cwd, ['-p', '.']);
}
