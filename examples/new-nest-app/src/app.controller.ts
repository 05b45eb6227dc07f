import { Controller, Get, Param, Post } from '@nestjs/common';
import { StemClient } from 'nestjs-stem';

@Controller()
export class AppController {
  constructor(private readonly stem: StemClient) {}

  @Post('emails')
  async send() {
    const task = await this.stem.enqueue('email.send', { recipient: 'ada@example.com' });
    return { taskId: task.id };
  }

  @Get('emails/:id')
  look(@Param('id') id: string) {
    return this.stem.task(id).status();
  }
}
