import { Module } from '@nestjs/common';
import { StemModule } from 'nestjs-stem';
import { EmailTasks } from './email.tasks.js';
import { SignUps } from './sign-ups.service.js';

@Module({
  imports: [StemModule.forRoot()],
  providers: [EmailTasks, SignUps],
})
export class AppModule {}
