import { Module } from '@nestjs/common';
import { StemModule } from 'nestjs-stem';
import { connections } from '../connections.js';
import { SendGreeting } from '../greeting.js';
import { GreetingsController } from './greetings.controller.js';

@Module({
  imports: [
    // No handler of the task is in this process: `tasks` is how it knows the name, queue and options.
    StemModule.forRoot({ ...connections, worker: false, beat: false, tasks: [SendGreeting] }),
  ],
  controllers: [GreetingsController],
})
export class EnqueuerModule {}
