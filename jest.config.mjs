const swc = [
  '@swc/jest',
  {
    swcrc: false,
    sourceMaps: 'inline',
    jsc: {
      parser: { syntax: 'typescript', decorators: true },
      transform: {
        legacyDecorator: true,
        decoratorMetadata: true,
        useDefineForClassFields: true,
      },
      target: 'es2022',
      keepClassNames: true,
    },
    module: { type: 'commonjs' },
  },
];

// Packages published as ES modules only, which Jest has to compile before it can load them.
const esmOnly = [
  '@nestjs',
  '@tokenizer',
  '@borewit',
  'file-type',
  'load-esm',
  'uid',
  'token-types',
  'strtok3',
  'uint8array-extras',
  'croner',
  'tinypool',
];

/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  testMatch: [
    '<rootDir>/libs/**/src/**/*.spec.ts',
    '<rootDir>/test/**/*.spec.ts',
    '<rootDir>/examples/**/*.spec.ts',
  ],
  transform: { '^.+\\.[cm]?[tj]s$': swc },
  transformIgnorePatterns: [`/node_modules/(?!(${esmOnly.join('|')})/)`],
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': '$1',
    '^nestjs-stem$': '<rootDir>/libs/stem/src/index.ts',
    '^nestjs-stem/(testing|cli|terminus|dashboard|workflows)$':
      '<rootDir>/libs/stem/src/$1/index.ts',
  },
  modulePathIgnorePatterns: [
    '<rootDir>/(libs|apps|examples)/[^/]+/dist/',
    '<rootDir>/test/chaos/dist/',
  ],
  globalSetup: '<rootDir>/tools/jest/mark-run.mjs',
  globalTeardown: '<rootDir>/tools/jest/leaked-processes.mjs',
  maxWorkers: 2,
  testTimeout: 30_000,
};
