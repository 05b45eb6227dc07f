import { nanoid } from 'nanoid';
import type {
  ControlAnswer,
  ControlBus,
  ControlMessage,
} from '../../libs/stem/src/broker/control-bus.js';
import type { Broker } from '../../libs/stem/src/broker/broker.js';
import { type BrokerHarness, eventually, useStage } from './broker-harness.js';

/** Commands to workers, and their answers. */
export function controlBusContract(harness: BrokerHarness): void {
  const stage = useStage(harness);

  const busOf = (broker: Broker): ControlBus => {
    if (!broker.control) throw new Error('This broker has no control bus');
    return broker.control;
  };
  const message = (changes: Partial<ControlMessage> = {}): ControlMessage => ({
    requestId: nanoid(),
    command: 'ping',
    args: {},
    ...changes,
  });
  const answerTo = (requestId: string, changes: Partial<ControlAnswer> = {}): ControlAnswer => ({
    requestId,
    worker: 'worker-1',
    name: 'worker',
    status: 'ok',
    answer: { state: 'ready' },
    ...changes,
  });

  it('reaches everybody who listens, once, as it was sent', async () => {
    const heard: [string, ControlMessage][] = [];
    await busOf(stage.broker).listen((one) => void heard.push(['broker', one]));
    await busOf(stage.other).listen((one) => void heard.push(['other', one]));
    const sent = message({ workers: ['ä-1', 'b'], args: { queues: ['größe'], limit: 3 } });
    const request = await busOf(stage.other).request(sent, () => undefined);

    await eventually(() => expect(heard).toHaveLength(2));
    expect(heard).toEqual(
      expect.arrayContaining([
        ['broker', sent],
        ['other', sent],
      ]),
    );
    expect(request.listeners).toBe(2);
    request.close();
  });

  it('brings every answer to whoever asked, and to nobody else', async () => {
    const heard: ControlMessage[] = [];
    await busOf(stage.broker).listen((one) => void heard.push(one));
    const answers: string[][] = [[], []];
    const [first, second] = [message(), message()];
    for (const [index, sent] of [first, second].entries()) {
      await busOf(stage.other).request(sent, ({ worker }) => answers[index]?.push(worker));
    }
    await eventually(() => expect(heard).toHaveLength(2));
    await busOf(stage.broker).answer(answerTo(first.requestId, { worker: 'a' }));
    await busOf(stage.broker).answer(answerTo(first.requestId, { worker: 'b' }));
    await busOf(stage.broker).answer(answerTo(second.requestId, { worker: 'c' }));
    await eventually(() => expect(answers).toEqual([['a', 'b'], ['c']]));
  });

  it('tells an answer from an error', async () => {
    const answers: ControlAnswer[] = [];
    const sent = message();
    await busOf(stage.broker).request(sent, (answer) => void answers.push(answer));
    const ok = answerTo(sent.requestId);
    const error: ControlAnswer = {
      requestId: sent.requestId,
      worker: 'worker-2',
      name: 'worker',
      status: 'error',
      error: 'it does not know how',
    };
    await busOf(stage.other).answer(ok);
    await busOf(stage.other).answer(error);
    await eventually(() => expect(answers).toEqual([ok, error]));
  });

  it('says that nobody listens', async () => {
    const end = await busOf(stage.broker).listen(() => undefined);
    end();
    const request = await busOf(stage.other).request(message(), () => undefined);
    expect(request.listeners).toBe(0);
  });

  it('tells nothing to those who have stopped listening', async () => {
    const heard: string[] = [];
    const end = await busOf(stage.broker).listen(() => void heard.push('first'));
    await busOf(stage.broker).listen(() => void heard.push('second'));
    end();
    const request = await busOf(stage.other).request(message(), () => void heard.push('answer'));
    await eventually(() => expect(heard).toEqual(['second']));
    request.close();

    // The next answer is one that is listened to: by then, the other would have come.
    const next = message();
    await busOf(stage.other).request(next, () => void heard.push('next answer'));
    await busOf(stage.broker).answer(answerTo(message().requestId));
    await busOf(stage.broker).answer(answerTo(next.requestId));
    await eventually(() => expect(heard).toEqual(['second', 'second', 'next answer']));
  });
}
