import { Module } from '@nestjs/common';
import { GreetingTasks } from './greeting.tasks.js';
import { GreetingsController } from './greetings.controller.js';
import { GroupsController } from './groups.controller.js';
import { GroupsService } from './groups.service.js';

@Module({
  controllers: [GreetingsController, GroupsController],
  providers: [GreetingTasks, GroupsService],
})
export class GreetingsModule {}
