import { Injectable } from '@nestjs/common';
import { OnSignal, type SignalPayloads, Task, UnrecoverableTaskError } from 'nestjs-stem';
import { Bank, BankIsBusy } from './bank.js';

@Injectable()
export class TransferTasks {
  constructor(private readonly bank: Bank) {}

  /** One try and two more, after 200 ms and 400 ms, and only if the bank is busy. */
  @Task('money.transfer', {
    maxRetries: 2,
    retry: { delay: '200ms', jitter: false, retryOn: [BankIsBusy] },
  })
  transfer({ amount }: { amount: number }): string {
    if (amount <= 0) throw new UnrecoverableTaskError(`${amount} cannot be transferred`);
    return this.bank.transfer(amount);
  }

  @OnSignal('taskRetry')
  retried({ failure, delayMs }: SignalPayloads['taskRetry']): void {
    console.log(`  ${failure.name}: next try in ${delayMs} ms`);
  }

  @OnSignal('taskFailed')
  gaveUp({ failure, reason }: SignalPayloads['taskFailed']): void {
    console.log(`  ${failure.name}: gave up (${reason})`);
  }
}
