import { Injectable } from '@nestjs/common';
import { Schedule, Task } from 'nestjs-stem';
import { deleteOldRows, pollPartner } from './housework.js';

@Injectable()
export class Jobs {
  @Schedule('0 2 * * *', {
    id: 'cleanup',
    timezone: 'Europe/Berlin',
  })
  @Task('cleanup', 3)
  async cleanup() {
    await deleteOldRows();
  }

  @Schedule('every:1m', { overlap: 'skip' })
  @Task('partner.poll')
  async poll() {
    await pollPartner();
  }
}
