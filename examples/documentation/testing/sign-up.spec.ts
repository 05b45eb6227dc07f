import { deepEqual } from 'node:assert/strict';
import { Test } from '@nestjs/testing';
import { StemClient } from 'nestjs-stem';
import { StemTester, StemTestingModule } from 'nestjs-stem/testing';
import { AppModule } from './app.module.js';
import { SendEmail } from './email.tasks.js';

it('sends the email', async () => {
  const app = await Test.createTestingModule({
    imports: [AppModule, StemTestingModule.forRoot({ mode: 'inline' })],
  }).compile();
  await app.init();

  const task = await app.get(StemClient).enqueue(SendEmail, { recipient: 'ops@example.com' });
  deepEqual(await task.result(), { messageId: '1' });
  app.get(StemTester).assertEnqueued(SendEmail, { recipient: 'ops@example.com' });

  await app.close();
});
