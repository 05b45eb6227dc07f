import { Module } from '@nestjs/common';
import { StemModule } from 'nestjs-stem';
import { EmailModule } from './email/email.module.js';
import { GreetingsModule } from './greetings/greetings.module.js';
import { StatusController } from './status.controller.js';

@Module({
  imports: [
    GreetingsModule,
    EmailModule,
    // In memory, or where STEM_BROKER_URL says. Imported last, so that the worker has drained before
    // the modules above, which its tasks use, are destroyed.
    StemModule.forRoot(),
  ],
  controllers: [StatusController],
})
export class AppModule {}
