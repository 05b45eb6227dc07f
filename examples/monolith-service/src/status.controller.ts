import { Controller, Get, NotFoundException, Param } from '@nestjs/common';
import { StemClient, type TaskStatus } from 'nestjs-stem';

@Controller('status')
export class StatusController {
  constructor(private readonly stem: StemClient) {}

  @Get(':id')
  async show(@Param('id') id: string): Promise<TaskStatus> {
    const status = await this.stem.task(id).status();
    if (!status) throw new NotFoundException(`No task '${id}' is known.`);
    return status;
  }
}
