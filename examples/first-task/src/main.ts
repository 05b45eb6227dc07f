import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { StemClient, StemModule, Task } from 'nestjs-stem';

@Injectable()
class EmailTasks {
  @Task('email.send', 5) // when it throws, five more tries
  async send(args: { recipient: string }) {
    return { sentTo: args.recipient };
  }
}

@Module({ imports: [StemModule.forRoot()], providers: [EmailTasks] })
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule);
const task = await app.get(StemClient).enqueue('email.send', { recipient: 'ops@example.com' });
console.log(await task.result()); // { sentTo: 'ops@example.com' }
await app.close();
