import { inspect } from 'node:util';
import { StemConfigError, TaskArgsError } from './errors.js';

describe('an error, printed', () => {
  it('shows where it happened as far as that is known', () => {
    const error = new TaskArgsError('no JSON', { taskName: 'email.send' });
    expect(inspect(error)).toContain("taskName: 'email.send'");
    expect(inspect(error)).not.toContain('undefined');
  });

  it('shows its code and what is at fault', () => {
    const printed = inspect(new StemConfigError({ option: 'broker', value: 1, expected: 'a URL' }));
    expect(printed).toContain("code: 'STEM_CONFIG_INVALID'");
    expect(printed).toContain("option: 'broker'");
    expect(printed).not.toContain('undefined');
  });
});
