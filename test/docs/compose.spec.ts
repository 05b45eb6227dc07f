import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { ROOT } from './markdown.js';

interface Service {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly command?: string;
  readonly environment?: Readonly<Record<string, string | number>>;
}

const examples = readdirSync(join(ROOT, 'examples')).filter((name) =>
  existsSync(join(ROOT, 'examples', name, 'docker-compose.yml')),
);

/** Docker is not there to run them, so what can be read is compared with what there is. */
describe.each(examples)('examples/%s/docker-compose.yml', (name) => {
  const folder = join(ROOT, 'examples', name);
  const { services } = parse(readFileSync(join(folder, 'docker-compose.yml'), 'utf8'), {
    merge: true,
  }) as { services: Record<string, Service> };

  it('keeps tasks: its Redis evicts nothing and writes to a file', () => {
    expect(services['redis']?.command).toContain('--appendonly yes');
    expect(services['redis']?.command).toContain('--maxmemory-policy noeviction');
  });

  it('starts files that there are, with the Redis that it starts', () => {
    const built = Object.values(services).filter(({ build }) => build);
    expect(built.length).toBeGreaterThan(0);
    for (const { build, command, environment } of built) {
      expect(existsSync(join(folder, build?.context ?? '', build?.dockerfile ?? ''))).toBe(true);
      const script = /^node dist\/(.*)\.js$/.exec(command ?? '')?.[1];
      expect(existsSync(join(folder, 'src', `${script}.ts`))).toBe(true);
      expect(environment?.['STEM_BROKER_URL']).toBe('redis://redis:6379/0');
    }
  });
});
