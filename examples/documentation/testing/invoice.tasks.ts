import { Injectable } from '@nestjs/common';
import { Task } from 'nestjs-stem';

@Injectable()
export class InvoiceTasks {
  @Task('invoice.send')
  send(): void {}
}
