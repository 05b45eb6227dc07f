import { Module } from '@nestjs/common';
import { StemModule } from 'nestjs-stem';
import { Mailer } from './mailer.js';
import { SignUpService } from './sign-up.service.js';
import { SignUpTasks } from './sign-up.tasks.js';

@Module({
  imports: [StemModule.forRoot({ broker: 'redis://localhost:6379' })],
  providers: [Mailer, SignUpService, SignUpTasks],
})
export class AppModule {}
