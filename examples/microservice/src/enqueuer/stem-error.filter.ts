import {
  type ArgumentsHost,
  BadGatewayException,
  Catch,
  GatewayTimeoutException,
  NotFoundException,
  ServiceUnavailableException,
} from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import {
  BrokerTimeoutError,
  BrokerUnavailableError,
  ResultTimeoutError,
  StemError,
  TaskCancelledError,
  TaskExpiredError,
  TaskFailedError,
  TaskNotFoundError,
} from 'nestjs-stem';

/** Says in HTTP what became of a task. */
@Catch(StemError)
export class StemErrorFilter extends BaseExceptionFilter {
  override catch(error: StemError, host: ArgumentsHost): void {
    super.catch(httpErrorOf(error), host);
  }
}

function httpErrorOf(error: StemError): Error {
  const { message } = error;
  if (error instanceof TaskNotFoundError) return new NotFoundException(message);
  if (error instanceof ResultTimeoutError) return new GatewayTimeoutException(message);
  const hasNoResult =
    error instanceof TaskFailedError ||
    error instanceof TaskCancelledError ||
    error instanceof TaskExpiredError;
  if (hasNoResult) return new BadGatewayException(message);
  if (error instanceof BrokerUnavailableError || error instanceof BrokerTimeoutError) {
    return new ServiceUnavailableException(message);
  }
  return error;
}
