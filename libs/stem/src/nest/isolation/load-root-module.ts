import { fileURLToPath } from 'node:url';
import type { DynamicModule, Type } from '@nestjs/common';
import { StemConfigError } from '../../core/errors.js';
import { importNative } from './native.cjs';

export type RootModule = Type | DynamicModule;

/** What errors call the file and the name of the export. */
const OPTIONS = { module: 'worker.isolation.module', export: 'worker.isolation.export' } as const;

/**
 * Loads the root module of an application.
 *
 * @param url file URL of the module that exports it.
 * @param name its export; without it the one called `AppModule`, the default one, or the only one.
 * @param options where file and name come from, for errors.
 * @throws {StemConfigError} when there is no such export, or more than one that may be meant.
 */
export async function loadRootModule(
  url: string,
  name: string | undefined,
  options: { readonly module: string; readonly export: string } = OPTIONS,
): Promise<RootModule> {
  const exported = await exportsOf(url);
  const path = fileURLToPath(url);
  const names = Object.keys(exported);
  const shown = names.length > 0 ? names.join(', ') : 'nothing';
  if (name !== undefined) {
    const found: unknown = await exported[name];
    if (isRootModule(found)) return found;
    throw new StemConfigError({
      option: options.export,
      value: name,
      expected: `the name of a Nest module that ${path} exports; it exports ${shown}`,
    });
  }
  for (const usual of ['AppModule', 'default']) {
    const found: unknown = exported[usual];
    if (isRootModule(found)) return found;
  }
  const modules = names.filter((each) => isRootModule(exported[each]));
  const [only] = modules;
  if (only !== undefined && modules.length === 1) return exported[only] as RootModule;
  throw new StemConfigError({
    option: options.module,
    value: path,
    expected:
      modules.length > 1
        ? `${options.export} to say which of its modules is the root: ${modules.join(', ')}`
        : `a module that exports the application's root module; it exports ${shown}`,
  });
}

async function exportsOf(url: string): Promise<Record<string, unknown>> {
  const namespace = await importNative(url);
  const { default: fallback } = namespace;
  // A CommonJS module is the default export of its namespace, which may lack some of its names.
  return typeof fallback === 'object' && fallback !== null && !isRootModule(fallback)
    ? { ...(fallback as Record<string, unknown>), ...withoutDefault(namespace) }
    : namespace;
}

function withoutDefault(namespace: Record<string, unknown>): Record<string, unknown> {
  const { default: _default, 'module.exports': _exports, ...named } = namespace;
  return named;
}

/** A class decorated with `@Module`, or what a static method like `forRoot` of one returns. */
function isRootModule(value: unknown): value is RootModule {
  if (typeof value === 'function')
    return MODULE_KEYS.some((key) => Reflect.hasMetadata(key, value));
  const { module } = (value ?? {}) as { module?: unknown };
  return typeof value === 'object' && typeof module === 'function';
}

/** What `@Module` leaves on a class, one for each property that it was given. */
const MODULE_KEYS = ['imports', 'providers', 'controllers', 'exports'];
