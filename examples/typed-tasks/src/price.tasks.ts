import { Injectable } from '@nestjs/common';
import {
  defineTask,
  Task,
  type TaskArgs,
  type TaskResult,
  UnrecoverableTaskError,
} from 'nestjs-stem';

/** What the code that enqueues and the code that runs have in common. It imports no handler. */
export const ConvertPrice = defineTask<
  { readonly cents: number; readonly currency: 'EUR' | 'USD' },
  { readonly text: string }
>('price.convert', { maxRetries: 2 });

@Injectable()
export class PriceTasks {
  @Task(ConvertPrice)
  convert({ cents, currency }: TaskArgs<typeof ConvertPrice>): TaskResult<typeof ConvertPrice> {
    // Types end where the process ends: who enqueues by name can send anything.
    if (!Number.isInteger(cents)) throw new UnrecoverableTaskError(`${cents} are no cents`);
    return { text: `${(cents / 100).toFixed(2)} ${currency}` };
  }
}
