import { Injectable } from '@nestjs/common';
import { Task } from 'nestjs-stem';
import { InvalidAddress, isTimeout, Mailer, ServiceUnavailable } from './services.js';

@Injectable()
export class InvoiceTasks {
  constructor(private readonly mailer: Mailer) {}

  @Task('invoice.send', {
    maxRetries: 8,
    retry: {
      backoff: 'exponential',
      delay: '2s',
      maxDelay: '4m',
      retryOn: [ServiceUnavailable, (error) => isTimeout(error)],
      doNotRetryOn: [InvalidAddress],
    },
  })
  async send({ invoiceId }: { invoiceId: string }): Promise<void> {
    await this.mailer.sendInvoice(invoiceId);
  }
}
