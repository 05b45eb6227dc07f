import { Body, Controller, HttpCode, HttpStatus, Post } from '@nestjs/common';
import { StemClient } from 'nestjs-stem';
import { TextPipe } from '../text.pipes.js';
import { SendEmail } from './email.tasks.js';

@Controller('email')
export class EmailController {
  constructor(private readonly stem: StemClient) {}

  @Post()
  @HttpCode(HttpStatus.ACCEPTED)
  async enqueue(
    @Body('to', TextPipe) to: string,
    @Body('subject', TextPipe) subject: string,
    @Body('text', TextPipe) text: string,
  ): Promise<{ taskId: string }> {
    const task = await this.stem.enqueue(SendEmail, { to, subject, text });
    return { taskId: task.id };
  }
}
