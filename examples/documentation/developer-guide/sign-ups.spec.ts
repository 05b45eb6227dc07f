import { Test } from '@nestjs/testing';
import { StemClient } from 'nestjs-stem';
import { StemTester, StemTestingModule } from 'nestjs-stem/testing';
import { AppModule } from './app.module.js';
import { SignUps } from './sign-ups.service.js';
import { SendEmail } from './email.tasks.js';

it('welcomes a new user, half a minute later', async () => {
  const send = jest.spyOn(globalThis, 'fetch').mockResolvedValue(Response.json({ messageId: '1' }));
  const module = await Test.createTestingModule({
    imports: [AppModule, StemTestingModule.forRoot({ mode: 'drain' })],
  }).compile();
  const app = await module.init();
  const tester = app.get(StemTester);

  const id = await app.get(SignUps).signUp('42', 'ada@example.com');
  tester.assertEnqueued(SendEmail, { recipient: 'ada@example.com' }, { delay: '30s' });
  await tester.advance('29s');
  expect(send).not.toHaveBeenCalled();
  await tester.advance('1s');
  expect(await app.get(StemClient).task(id).result()).toEqual({ messageId: '1' });
  await app.close();
});
