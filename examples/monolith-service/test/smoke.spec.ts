import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SMTPServer } from 'smtp-server';
import { ExampleProcess, get, post, until } from '../../support/example-process.js';

const MAIN = new URL('../dist/main.js', import.meta.url);
const TIMEOUT_MS = 10_000;

interface Accepted {
  readonly taskId: string;
}
interface Status {
  readonly state: string;
  readonly result?: unknown;
  readonly progress?: unknown;
}
interface Group {
  readonly done: boolean;
}

describe('the monolith service', () => {
  let mailDir: string;
  let service: ExampleProcess;
  let url: string;

  beforeAll(async () => {
    mailDir = await mkdtemp(join(tmpdir(), 'stem-example-mail-'));
    service = ExampleProcess.start(MAIN, { PORT: '0', MAIL_DIR: mailDir });
    url = await service.url();
  });

  afterAll(async () => {
    await ExampleProcess.killAll();
    await rm(mailDir, { recursive: true, force: true });
  });

  const succeeded = (taskId: string, at = url): Promise<Status> =>
    until(`task ${taskId} succeeds`, TIMEOUT_MS, async () => {
      const { status, body } = await get<Status>(`${at}/status/${taskId}`);
      expect(status).toBe(200);
      expect(body.state).toMatch(/^(queued|running|succeeded)$/);
      return body.state === 'succeeded' ? body : undefined;
    });

  it('greets in the background', async () => {
    const { status, body } = await post<Accepted>(`${url}/enqueue`, { name: 'Ada' });
    expect(status).toBe(202);
    expect(await succeeded(body.taskId)).toMatchObject({
      id: body.taskId,
      name: 'greeting.send',
      attempt: 0,
      deliveries: 1,
      progress: { fraction: 1, data: { step: 'sent' } },
      result: { message: 'Hello Ada' },
    });
  });

  it.each([{ name: '  ' }, { name: 7 }, {}, []])('refuses to greet %j', async (body) => {
    expect(await post(`${url}/enqueue`, body)).toMatchObject({
      status: 400,
      body: { message: 'name must be a text that is not blank' },
    });
  });

  it('greets a group', async () => {
    const names = ['Ada', 'Grace', 'Edsger', 'Barbara', 'Tony'];
    const created = await post<{ groupId: string }>(`${url}/group`, { names });
    expect(created).toMatchObject({ status: 202, body: { count: 5 } });
    const { groupId } = created.body;
    const group = await until('the group is done', TIMEOUT_MS, async () => {
      const { body } = await get<Group>(`${url}/group/${groupId}`);
      return body.done ? body : undefined;
    });
    expect(group).toEqual({
      groupId,
      count: 5,
      states: { succeeded: 5 },
      results: names.map((name) => ({ message: `Hello ${name}` })),
      done: true,
    });
  });

  it.each([{ names: [] }, { names: ['Ada', ' '] }, { names: 'Ada' }, {}])(
    'refuses the group %j',
    async (body) => {
      expect((await post(`${url}/group`, body)).status).toBe(400);
    },
  );

  it.each(['status/nothing', 'group/nothing'])('does not know %s', async (path) => {
    expect((await get(`${url}/${path}`)).status).toBe(404);
  });

  it('writes emails to a folder', async () => {
    const { status, body } = await post<Accepted>(`${url}/email`, {
      to: 'ada@example.com',
      subject: 'A file',
      text: 'Dear Ada',
    });
    expect(status).toBe(202);
    const file = join(mailDir, `${body.taskId}.eml`);
    expect(await succeeded(body.taskId)).toMatchObject({ name: 'email.send', result: { file } });
    expect(await readdir(mailDir)).toEqual([`${body.taskId}.eml`]);
    const written = await readFile(file, 'utf8');
    expect(written).toMatch(/^To: ada@example.com\r?$/m);
    expect(written).toMatch(/^Subject: A file\r?$/m);
    expect(written).toContain('Dear Ada');
  });

  it('refuses an email to nobody', async () => {
    const email = { subject: 'A file', text: 'Dear …' };
    expect((await post(`${url}/email`, email)).status).toBe(400);
  });

  describe('with a mail server', () => {
    const received: { recipients: string[]; message: string }[] = [];
    const smtp = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      onData(stream, { envelope }, done) {
        let message = '';
        stream.setEncoding('utf8').on('data', (text: string) => (message += text));
        stream.on('end', () => {
          received.push({ recipients: envelope.rcptTo.map(({ address }) => address), message });
          done();
        });
      },
    });

    afterAll(() => new Promise<void>((resolve) => smtp.close(() => resolve())));

    it('sends emails', async () => {
      const listener = smtp.listen(0, '127.0.0.1');
      await once(listener, 'listening');
      const { port } = listener.address() as AddressInfo;
      const sender = ExampleProcess.start(MAIN, {
        PORT: '0',
        SMTP_URL: `smtp://127.0.0.1:${port}`,
      });
      const at = await sender.url();

      const { body } = await post<Accepted>(`${at}/email`, {
        to: 'ada@example.com',
        subject: 'A letter',
        text: 'Dear Ada',
      });

      const { result } = await succeeded(body.taskId, at);
      expect(result).toEqual({ messageId: `<${body.taskId}@example.com>` });
      expect(received).toHaveLength(1);
      expect(received[0]?.recipients).toEqual(['ada@example.com']);
      const [headers, text] = received[0]?.message.split('\r\n\r\n') ?? [];
      expect(headers).toContain('Subject: A letter');
      expect(text?.trim()).toBe('Dear Ada');
      await sender.end('SIGKILL');
    });
  });

  it('ends in good order on SIGTERM', async () => {
    const { code, afterMs } = await service.end('SIGTERM');
    expect(code).toBe(0);
    expect(afterMs).toBeLessThan(5_000);
  });

  describe('behind npm', () => {
    // Its output ends, and with it the wait, when the last process that has it is gone.
    it.each(['SIGTERM to npm', 'Ctrl-C'])('ends in good order on %s', async (way) => {
      const npm = ExampleProcess.npmRun('start', 'examples/monolith-service', { PORT: '0' });
      const address = await npm.url();
      const { code } = await (way === 'Ctrl-C' ? npm.endGroup('SIGINT') : npm.end('SIGTERM'));
      expect(code).toBe(0);
      expect(npm.output).toMatch(/SIG\w+: draining/);
      await expect(fetch(address)).rejects.toThrow();
    });
  });
});
