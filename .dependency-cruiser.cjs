const STEM = '^libs/stem/src';
const SPEC = '\\.spec\\.ts$';

const BELOW_NEST = [
  ...['core', 'broker', 'config', 'schedule', 'monitor', 'telemetry', 'client', 'worker', 'beat'],
];

/** Inside the library imports point one way: from the row's folder to the folders listed. */
const mayImport = {
  core: ['core'],
  broker: ['core', 'broker'],
  config: ['core', 'broker', 'config'],
  schedule: ['core', 'config', 'schedule'],
  monitor: ['core', 'broker', 'config', 'monitor'],
  client: ['core', 'broker', 'config', 'schedule', 'monitor', 'client'],
  worker: ['core', 'broker', 'config', 'worker'],
  beat: ['core', 'broker', 'config', 'schedule', 'monitor', 'client', 'beat'],
  telemetry: ['core', 'broker', 'telemetry'],
  nest: [...BELOW_NEST, 'nest'],
  terminus: ['core', 'client', 'nest', 'terminus'],
  testing: [...BELOW_NEST, 'nest', 'testing'],
  // Not the worker: a command runs no tasks. The application that `worker start` boots does.
  cli: ['core', 'broker', 'config', 'schedule', 'monitor', 'client', 'nest', 'cli'],
};

const layers = Object.entries(mayImport).map(([layer, allowed]) => ({
  name: `layer-${layer}`,
  severity: 'error',
  comment: `${layer} may import only: ${allowed.join(', ')}`,
  from: { path: `${STEM}/${layer}/`, pathNot: SPEC },
  to: { path: `${STEM}/`, pathNot: `${STEM}/(${allowed.join('|')})/` },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    ...layers,
    {
      name: 'main-entry-stays-lean',
      severity: 'error',
      comment:
        'testing, cli and terminus are entry points of their own: an app that needs none loads none',
      from: { path: `${STEM}/index\\.ts$` },
      to: { path: `${STEM}/(testing|cli|terminus)/` },
    },
    {
      name: 'no-nest-below-nest',
      severity: 'error',
      comment:
        'core, broker, config, schedule, monitor, telemetry, client, worker and beat work without Nest',
      from: {
        path: `${STEM}/(core|broker|config|schedule|monitor|telemetry|client|worker|beat)/`,
        pathNot: SPEC,
      },
      to: { path: ['(^|/)node_modules/@nestjs/', '^@nestjs/'] },
    },
    {
      name: 'ioredis-in-its-adapter-only',
      severity: 'error',
      comment: 'ioredis is an optional peer: only broker/redis, loaded on demand, may import it',
      from: { path: `${STEM}/`, pathNot: [`${STEM}/broker/redis/`, SPEC] },
      to: { path: ['(^|/)node_modules/ioredis/', '^ioredis$'] },
    },
    {
      name: 'opentelemetry-on-demand-only',
      severity: 'error',
      comment:
        '@opentelemetry/api is an optional peer: only what load-telemetry loads may import it',
      from: { path: `${STEM}/`, pathNot: [`${STEM}/telemetry/`, SPEC] },
      to: { path: ['(^|/)node_modules/@opentelemetry/', '^@opentelemetry/'] },
    },
    {
      name: 'specs-are-leaves',
      severity: 'error',
      from: { pathNot: SPEC },
      to: { path: SPEC },
    },
    {
      name: 'library-does-not-use-the-repository',
      severity: 'error',
      from: { path: `${STEM}/`, pathNot: SPEC },
      to: { path: '^(test|tools|apps|examples)/' },
    },
    {
      name: 'examples-use-the-public-entry-points',
      severity: 'error',
      comment: 'import from nestjs-stem, as a user would',
      // The package's own name leads to libs/stem too; only a path to it is refused.
      from: { path: '^(examples|apps)/' },
      to: { path: '^libs/', dependencyTypesNot: ['aliased', 'npm'] },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '/dist/'] },
    exclude: { path: '/dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      conditionNames: ['module-sync', 'import', 'require', 'node', 'default', 'types'],
      exportsFields: ['exports'],
    },
  },
};
