import { ExampleProcess } from '../../support/example-process.js';

afterAll(() => ExampleProcess.killAll());

describe('a first task', () => {
  it('prints its result and ends by itself', async () => {
    const example = ExampleProcess.start(new URL('../dist/main.js', import.meta.url));
    await example.prints(/^\{ sentTo: 'ops@example\.com' \}$/m);
    expect(await example.ended()).toMatchObject({ code: 0 });
  });
});
