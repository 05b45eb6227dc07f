import { describeFailure, reviveFailure } from './failure.js';

describe('describing what was thrown', () => {
  it('keeps name, message, code, stack and causes', () => {
    const cause = new RangeError('inner');
    const error = Object.assign(new TypeError('outer', { cause }), { code: 'E_OUTER' });

    const failure = describeFailure(error);

    expect(failure).toMatchObject({
      name: 'TypeError',
      message: 'outer',
      code: 'E_OUTER',
      cause: { name: 'RangeError', message: 'inner' },
    });
    expect(failure.stack).toContain('failure.spec');
  });

  it.each([
    [undefined, 'undefined'],
    [null, 'null'],
    ['text', 'text'],
    [42, '42'],
    [{ a: 1 }, '{ a: 1 }'],
  ])('says that %p is no error', (thrown, shown) => {
    expect(describeFailure(thrown)).toEqual({
      name: 'NonError',
      message: `A handler threw ${shown}`,
    });
  });

  it('ends with a circle of causes', () => {
    const error = new Error('round');
    error.cause = error;

    expect(JSON.stringify(describeFailure(error)).length).toBeLessThan(60_000);
  });

  it('survives getters that throw', () => {
    const error = new Error('x');
    for (const property of ['stack', 'message', 'name', 'cause', 'code']) {
      Object.defineProperty(error, property, {
        get: () => {
          throw new Error('hostile');
        },
      });
    }
    expect(describeFailure(error)).toMatchObject({ name: 'Error' });
  });

  it('cuts what is endless', () => {
    const { message } = describeFailure(new Error('x'.repeat(1_000_000)));
    expect(message.length).toBeLessThan(5_000);
  });
});

describe('reviving a failure', () => {
  it('gives an error with everything that was kept', () => {
    const original = Object.assign(new TypeError('outer', { cause: new Error('inner') }), {
      code: 'E',
    });

    const revived = reviveFailure(describeFailure(original)) as Error & { code: string };

    expect(revived).toBeInstanceOf(Error);
    expect(revived).toMatchObject({ name: 'TypeError', message: 'outer', code: 'E' });
    expect((revived.cause as Error).message).toBe('inner');
    expect(revived.stack).toBe(original.stack);
  });
});
