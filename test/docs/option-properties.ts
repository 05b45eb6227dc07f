import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { ROOT } from './markdown.js';

/** Where the interfaces of options are written. */
const OPTION_FILES = [
  'config/stem-options.ts',
  'core/task-options.ts',
  'core/retry-policy.ts',
  'client/enqueue-options.ts',
  'core/signals.ts',
];

/** Names of the properties of one of the library's interfaces of options. */
export function propertiesOf(name: string): string[] {
  for (const path of OPTION_FILES.map((file) => join(ROOT, 'libs/stem/src', file))) {
    const file = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.ES2022);
    for (const statement of file.statements) {
      if (!ts.isInterfaceDeclaration(statement) || statement.name.text !== name) continue;
      return statement.members.map(({ name: member }) => (member as ts.Identifier).text);
    }
  }
  throw new Error(`No interface ${name} in ${OPTION_FILES.join(', ')}`);
}
