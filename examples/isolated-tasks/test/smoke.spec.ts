import { ExampleProcess } from '../../support/example-process.js';

afterAll(() => ExampleProcess.killAll());

describe('isolated tasks', () => {
  it('compute beside the event loop, and can be ended', async () => {
    const example = ExampleProcess.start(new URL('../dist/main.js', import.meta.url));
    const [, inline] = await example.prints(/primes\.inline ran in the event loop; .* (\d+) times/);
    const [, isolated] = await example.prints(/primes\.isolated ran in the thread; .* (\d+) times/);
    await example.prints(/never\.ends was ended: HardTimeLimitError/);
    await example.prints(/and the next one ran in a new thread/);
    expect(await example.ended()).toMatchObject({ code: 0 });
    expect(Number(inline)).toBeLessThan(5);
    expect(Number(isolated)).toBeGreaterThan(Number(inline));
  });
});
