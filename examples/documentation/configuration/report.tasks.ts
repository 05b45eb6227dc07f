import { Injectable } from '@nestjs/common';
import { Task } from 'nestjs-stem';

@Injectable()
export class ReportTasks {
  @Task('report.render', { queue: 'reports' })
  render({ month }: { month: string }): string {
    return `report of ${month}`;
  }
}
