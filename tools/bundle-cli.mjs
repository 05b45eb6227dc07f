/**
 * Bundles what the command line needs and the library does not, so that nobody has to install it: see
 * docs/decisions/0004-the-command-line-is-bundled.md.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

/** Loaded by nest-commander or Nest at once, or if it is there, and of no use to `stem`. */
const NOT_NEEDED =
  /^(inquirer|cosmiconfig|@fig\/complete-commander|@nestjs\/(websockets|microservices|platform-\w+)(\/.*)?|class-validator|class-transformer(\/.*)?|file-type|load-esm)$/;

/** Loaded on demand, from where `stem` is installed. */
const EXTERNAL = ['ioredis', 'piscina'];

/** Where Node can, the program is compiled once and not at every start. */
const STARTER = `#!/usr/bin/env node
'use strict';
require('node:module').enableCompileCache?.();
require('./program.cjs');
`;

const OPTIONS = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  // Less to read at every start; nest-commander tells commands apart by the names of their classes.
  minify: true,
  keepNames: true,
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
};

/** @param library folder of the library, compiled. */
export async function bundleCommandLine(library) {
  const program = await build({
    ...OPTIONS,
    entryPoints: [join(library, 'dist/esm/cli/main.js')],
    outfile: join(library, 'dist/bin/program.cjs'),
    external: EXTERNAL,
    banner: {
      js: 'const __bundleUrl = require("node:url").pathToFileURL(__filename).href;',
    },
    define: { 'import.meta.url': '__bundleUrl' },
    plugins: [emptyModules],
  });
  writeFileSync(join(library, 'dist/bin/stem.cjs'), STARTER, { mode: 0o755 });
  const vendor = join(library, 'src/cli/vendor');
  const names = readdirSync(vendor).filter((name) => name.endsWith('.cjs'));
  const parts = await Promise.all(
    ['esm', 'cjs'].flatMap((format) =>
      names.map((name) =>
        build({
          ...OPTIONS,
          // From an ES module, so that Node finds the names of the exports in the bundle.
          stdin: { contents: reexport(join(vendor, name)), resolveDir: vendor },
          outfile: join(library, 'dist', format, 'cli/vendor', name),
        }),
      ),
    ),
  );
  const bundled = [program, ...parts].flatMap(({ metafile }) => Object.keys(metafile.inputs));
  writeFileSync(join(library, 'dist/bin/LICENSES.txt'), licensesOf(bundled));
}

function reexport(file) {
  const names = [...readFileSync(file, 'utf8').matchAll(/^exports\.(\w+) = /gm)];
  return `export { ${names.map(([, name]) => name).join(', ')} } from '${file}'`;
}

const emptyModules = {
  name: 'empty-modules',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: NOT_NEEDED }, ({ path }) => ({ path, namespace: 'empty' }));
    onLoad({ filter: /.*/, namespace: 'empty' }, () => ({ contents: 'module.exports = {}' }));
  },
};

/** The licences of all packages that are part of the bundles. */
function licensesOf(files) {
  const folders = new Set();
  for (const file of files) {
    const folder = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0];
    if (folder !== undefined) folders.add(folder);
  }
  const texts = [...folders].map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json')));
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file === undefined ? '' : `\n\n${readFileSync(join(folder, file), 'utf8').trim()}`;
    return `${name} ${version} (${license})${text}`;
  });
  return `${[...new Set(texts)].sort().join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}
