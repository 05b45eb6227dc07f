import {
  Body,
  Controller,
  Get,
  HttpCode,
  HttpStatus,
  NotFoundException,
  Param,
  Post,
} from '@nestjs/common';
import { TextListPipe } from '../text.pipes.js';
import { GroupsService, type GroupStatus } from './groups.service.js';

@Controller('group')
export class GroupsController {
  constructor(private readonly groups: GroupsService) {}

  @Post()
  @HttpCode(HttpStatus.ACCEPTED)
  async enqueue(
    @Body('names', TextListPipe) names: string[],
  ): Promise<{ groupId: string; count: number }> {
    return { groupId: await this.groups.enqueue(names), count: names.length };
  }

  @Get(':id')
  async show(@Param('id') id: string): Promise<GroupStatus> {
    const status = await this.groups.status(id);
    if (!status) throw new NotFoundException(`No group '${id}' is known.`);
    return status;
  }
}
