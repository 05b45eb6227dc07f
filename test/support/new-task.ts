import type { Broker, NewTask } from '../../libs/stem/src/broker/broker.js';
import { encodeEnvelope } from '../../libs/stem/src/core/envelope.js';
import type { JsonObject, JsonValue } from '../../libs/stem/src/core/json.js';

/** What a test wants to say of a task; everything else is made up. */
export interface NewTaskOptions extends Partial<Omit<NewTask, 'envelope'>> {
  readonly name?: string;
  readonly args?: JsonValue;
  readonly headers?: Readonly<Record<string, string>>;
  readonly meta?: JsonObject;
  /** Only tasks of one place have an order among each other. */
  readonly place?: string;
  /** Instead of an encoded one. */
  readonly envelope?: string;
}

export const TEST_QUEUE = 'work';

/** A task ready to be enqueued: its id placed with its unique key, its envelope encoded. */
export function newTask(broker: Broker, options: NewTaskOptions = {}): NewTask {
  const { name = 'test.task', args = { n: 1 }, headers, meta, place, ...rest } = options;
  const id = rest.id ?? broker.newTaskId(place ?? rest.unique?.key);
  return {
    queue: TEST_QUEUE,
    priority: 0,
    envelope: encodeEnvelope({
      id,
      name,
      argsJson: JSON.stringify(args),
      headers,
      meta,
      expires: rest.expiresInMs !== undefined || rest.expiresAt !== undefined,
      uniqueKey: rest.unique?.key,
    }),
    ...rest,
    id,
  };
}
