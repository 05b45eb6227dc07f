import { Module } from '@nestjs/common';
import { StemModule } from 'nestjs-stem';
import { SendEmail } from './email.tasks.js';
import { SignUps } from './sign-ups.service.js';

@Module({
  imports: [
    StemModule.forRoot({
      broker: 'redis://localhost:6379/0',
      worker: false,
      tasks: [SendEmail], // names known here though their handlers are elsewhere
    }),
  ],
  providers: [SignUps],
})
export class WebModule {}
