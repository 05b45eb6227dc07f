import { Injectable, Module } from '@nestjs/common';
import { StemModule, Task } from 'nestjs-stem';

@Injectable()
class EmailTasks {
  @Task('email.send', 5)
  async send(args: { recipient: string }) {
    return { sentTo: args.recipient };
  }
}

@Module({
  imports: [
    StemModule.forRoot({ broker: 'redis://localhost:6379/0', worker: { concurrency: 20 } }),
  ],
  providers: [EmailTasks],
})
export class AppModule {}
