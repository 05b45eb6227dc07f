import { ExampleProcess } from '../../support/example-process.js';

afterAll(() => ExampleProcess.killAll());

describe('typed tasks', () => {
  it('converts what is typed, and refuses at run time what is not', async () => {
    const example = ExampleProcess.start(new URL('../dist/main.js', import.meta.url));
    await example.prints(/^by its definition: 19\.99 EUR$/m);
    await example.prints(/^by its name: many are no cents$/m);
    expect(await example.ended()).toMatchObject({ code: 0 });
  });
});
