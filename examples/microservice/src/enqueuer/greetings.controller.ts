import {
  Body,
  Controller,
  Get,
  HttpCode,
  HttpStatus,
  NotFoundException,
  Param,
  Post,
  Query,
  UseFilters,
} from '@nestjs/common';
import { type Duration, StemClient, type TaskStatus } from 'nestjs-stem';
import { type Greeting, type GreetingArgs, SendGreeting } from '../greeting.js';
import { DurationPipe, GreetingPipe } from './input.pipes.js';
import { StemErrorFilter } from './stem-error.filter.js';

@Controller()
@UseFilters(StemErrorFilter)
export class GreetingsController {
  constructor(private readonly stem: StemClient) {}

  @Post('enqueue')
  @HttpCode(HttpStatus.ACCEPTED)
  async enqueue(@Body(GreetingPipe) greeting: GreetingArgs): Promise<{ taskId: string }> {
    const task = await this.stem.enqueue(SendGreeting, greeting);
    return { taskId: task.id };
  }

  @Get('status/:id')
  async status(@Param('id') id: string): Promise<TaskStatus> {
    const status = await this.stem.task(id).status();
    if (!status) throw new NotFoundException(`No task '${id}' is known.`);
    return status;
  }

  /** Waits for the result, which another process makes. */
  @Get('result/:id')
  async result(
    @Param('id') id: string,
    @Query('timeout', DurationPipe) timeout: Duration = '10s',
  ): Promise<Greeting> {
    return this.stem.task<Greeting>(id).result({ timeout });
  }
}
