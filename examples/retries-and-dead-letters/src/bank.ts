import { Injectable } from '@nestjs/common';

export class BankIsBusy extends Error {
  override readonly name = 'BankIsBusy';
}

/** Stands for a service on the network, with its bad days. */
@Injectable()
export class Bank {
  /** How many of the next calls fail. */
  badCalls = 0;

  transfer(amount: number): string {
    if (this.badCalls > 0) {
      this.badCalls--;
      throw new BankIsBusy('try again later');
    }
    return `${amount} transferred`;
  }
}
