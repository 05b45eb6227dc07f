import type { EnqueueOptions } from '../../../client/enqueue-options.js';
import { usageError } from '../../framework/cli-error.js';
import {
  count,
  duration,
  flag,
  json,
  jsonPairs,
  pairs,
  text,
  time,
  type ValuesOf,
} from '../../framework/options.js';
import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';
import { pretty } from '../../output/text.js';
import { resultOf } from './result-of.js';

const options = {
  args: json('--args <json>', 'what the handler gets'),
  arg: jsonPairs('--arg <key=value>', 'one argument; a value that is JSON counts as what it says'),
  queue: text('-q, --queue <name>', "instead of the task's own"),
  priority: count('--priority <n>', '0 to 9, 9 first', { max: 9 }),
  delay: duration('--delay <duration>', 'not before this long from now'),
  at: time('--at <time>', 'not before this time'),
  expires: duration('--expires <duration>', 'not run any more after this long'),
  header: pairs('--header <key=value>', 'a text that travels with the task'),
  maxRetries: count('--max-retries <n>', 'tries after the first'),
  id: text('--id <id>', 'an id of your own: a second task of it is not created'),
  unique: flag('--unique', 'not while the same task with the same arguments waits or runs'),
  wait: flag('--wait', 'wait for the result'),
  timeout: duration('--timeout <duration>', 'longest time to wait'),
};

@StemSubCommand({
  name: 'enqueue',
  arguments: '<name>',
  summary: 'Enqueues a task',
  details:
    'With --app the name and the arguments are checked by what the application defines; without, any\nname is taken.',
  options,
  examples: [
    [`task enqueue email.send --args '{"recipient":"ops@example.com"}'`, 'one task'],
    ['task enqueue report.render --arg month=7 --queue reports --delay 5m', 'in five minutes'],
    ['task enqueue report.render --wait --timeout 1m', 'and prints what it returns'],
  ],
})
export class StemTaskEnqueueCommand extends StemCommand<typeof options> {
  protected async execute(call: Call<typeof options>): Promise<Report> {
    const { options: given } = call;
    const [name = ''] = call.args;
    const args = argsOf(given);
    const enqueueOptions = enqueueOptionsOf(given);
    const { stem } = await call.session();
    const task = await stem.enqueue(name, args, enqueueOptions);
    const { id, created } = task;
    if (!given.wait) {
      return {
        json: { id, name, created },
        text: (page) =>
          created ? id : `${id} ${page.paint('dim', '(was there already: nothing was created)')}`,
      };
    }
    const result = await resultOf(task, given.timeout);
    return {
      json: { id, name, created, result: result ?? null },
      text: () => pretty(result) ?? '',
    };
  }
}

function argsOf({ args, arg }: ValuesOf<typeof options>): unknown {
  if (Object.keys(arg).length === 0) return args;
  if (args === undefined) return arg;
  if (typeof args !== 'object' || args === null || Array.isArray(args)) {
    throw usageError('--arg adds to an object: --args is none. Give one of them.');
  }
  return { ...args, ...arg };
}

function enqueueOptionsOf(given: ValuesOf<typeof options>): EnqueueOptions {
  const { queue, priority, delay, at, expires, header, maxRetries, id, unique } = given;
  return {
    ...(queue === undefined ? {} : { queue }),
    ...(priority === undefined ? {} : { priority }),
    ...(delay === undefined ? {} : { delay }),
    ...(at === undefined ? {} : { at }),
    ...(expires === undefined ? {} : { expires }),
    ...(Object.keys(header).length === 0 ? {} : { headers: header }),
    ...(maxRetries === undefined ? {} : { maxRetries }),
    ...(id === undefined ? {} : { id }),
    ...(unique ? { unique } : {}),
  };
}
