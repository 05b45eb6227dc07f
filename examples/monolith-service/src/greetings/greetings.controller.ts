import { Body, Controller, HttpCode, HttpStatus, Post } from '@nestjs/common';
import { StemClient } from 'nestjs-stem';
import { TextPipe } from '../text.pipes.js';
import { SendGreeting } from './greeting.tasks.js';

@Controller('enqueue')
export class GreetingsController {
  constructor(private readonly stem: StemClient) {}

  @Post()
  @HttpCode(HttpStatus.ACCEPTED)
  async enqueue(@Body('name', TextPipe) name: string): Promise<{ taskId: string }> {
    const task = await this.stem.enqueue(SendGreeting, { name });
    return { taskId: task.id };
  }
}
