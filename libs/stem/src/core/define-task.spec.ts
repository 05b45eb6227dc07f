import { defineTask, isTaskDefinition, type TaskArgs, type TaskResult } from './define-task.js';
import { StemConfigError } from './errors.js';

describe('defineTask', () => {
  it('keeps name and options, and cannot be changed afterwards', () => {
    const Send = defineTask('email.send', { queue: 'mail' });
    expect(Send).toEqual({ name: 'email.send', options: { queue: 'mail' } });
    expect(Object.isFrozen(Send) && Object.isFrozen(Send.options)).toBe(true);
    expect(isTaskDefinition(Send)).toBe(true);
  });

  it('carries the types of arguments and result', () => {
    const Send = defineTask<{ to: string }, number>('email.send');
    const args: TaskArgs<typeof Send> = { to: 'ada' };
    const result: TaskResult<typeof Send> = 1;
    // @ts-expect-error -- `to` is a text
    const wrong: TaskArgs<typeof Send> = { to: 1 };
    expect([Send.name, args, result, wrong]).toHaveLength(4);
  });

  it.each<[string, string, object]>([
    ['a blank name', '', {}],
    ['a name with a line break', 'a\nb', {}],
    ['an unknown option', 'a', { retries: 1 }],
    ['a bad option', 'a', { priority: 10 }],
  ])('refuses %s', (_, name, options) => {
    expect(() => defineTask(name, options)).toThrow(StemConfigError);
  });
});
