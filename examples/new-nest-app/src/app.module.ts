import { Module } from '@nestjs/common';
import { StemModule } from 'nestjs-stem';
import { AppController } from './app.controller.js';
import { EmailTasks } from './email.tasks.js';

@Module({
  imports: [StemModule.forRoot()],
  controllers: [AppController],
  providers: [EmailTasks],
})
export class AppModule {}
