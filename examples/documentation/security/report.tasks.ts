import { Injectable } from '@nestjs/common';
import { Task, UnrecoverableTaskError } from 'nestjs-stem';
import { Renderer } from './renderer.js';

@Injectable()
export class ReportTasks {
  constructor(private readonly renderer: Renderer) {}

  @Task('report.render')
  async render(args: { month?: unknown }): Promise<void> {
    const { month } = args;
    if (typeof month !== 'string' || !/^\d{4}-\d{2}$/.test(month)) {
      throw new UnrecoverableTaskError('month is no month');
    }
    await this.renderer.renderTo(`reports/${month}.pdf`);
  }
}
