import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';

type Json = { [key: string]: unknown };

const FILE = join(__dirname, '../../../docs/cli.schema.json');

/** What is documented of `--json`. */
export const DOCUMENTED = JSON.parse(readFileSync(FILE, 'utf8')) as Json & {
  readonly commands: Readonly<Record<string, unknown>>;
};

const ajv = new Ajv2020({
  strict: false,
  allErrors: true,
  formats: { 'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/ },
});
ajv.addSchema(closed(DOCUMENTED) as Json, 'cli');

/** What is wrong with the output of a command: fields that are missing, of another type, or undocumented. */
export function faultsIn(command: string, output: unknown): string[] {
  const validate = ajv.getSchema(`cli#/commands/${encodeURIComponent(command)}`);
  if (!validate) return [`${command} has no schema`];
  if (validate(output)) return [];
  return (validate.errors ?? []).map(({ instancePath, message, params }) => {
    return `${instancePath} ${message} ${JSON.stringify(params)}`;
  });
}

/** Users may meet new fields; here every field has to be documented. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const inner = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, closed(value)]),
  );
  return inner['type'] === 'object' && inner['properties'] && !('additionalProperties' in inner)
    ? { ...inner, additionalProperties: false }
    : inner;
}
