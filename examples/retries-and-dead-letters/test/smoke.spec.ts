import { readFileSync } from 'node:fs';
import { ExampleProcess } from '../../support/example-process.js';

afterAll(() => ExampleProcess.killAll());

describe('retries and dead letters', () => {
  it('prints what its README says', async () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    const [, promised] = /```text\n(The bank[^`]*)```/.exec(readme) ?? [];
    const example = ExampleProcess.start(new URL('../dist/main.js', import.meta.url));
    expect(await example.ended()).toMatchObject({ code: 0 });
    expect(example.output).toBe(promised);
  });
});
