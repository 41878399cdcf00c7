import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import { WsException } from '@nestjs/websockets';
import type { Socket } from 'socket.io';
import type { Refusal } from '../events.js';
import { ValidationFailedException } from './validation.js';

/**
 * Answers what went wrong in the acknowledgement, where the client asked for one; else as an `exception` event.
 *
 * Nest's own filter never answers the acknowledgement, so the client waits for its time-out.
 */
@Catch()
export class RefusalFilter implements ExceptionFilter {
  private readonly logger = new Logger(RefusalFilter.name);

  catch(exception: unknown, host: ArgumentsHost): void {
    const refusal = toRefusal(exception);
    if (refusal.error.code === 'INTERNAL_ERROR') this.logger.error(exception);
    const acknowledge: unknown = host.getArgByIndex(2);
    if (typeof acknowledge === 'function') acknowledge(refusal);
    else host.switchToWs().getClient<Socket>().emit('exception', refusal);
  }
}

/** Of an exception that was not meant for clients nothing is told. */
export function toRefusal(exception: unknown): Refusal {
  if (exception instanceof ValidationFailedException) {
    return { error: { code: 'VALIDATION_FAILED', message: exception.message, details: exception.details } };
  }
  if (exception instanceof WsException) return { error: describeWsError(exception.getError()) };
  if (exception instanceof HttpException && exception.getStatus() < 500) {
    return { error: { code: `HTTP_${exception.getStatus()}`, message: exception.message } };
  }
  return { error: { code: 'INTERNAL_ERROR', message: 'The server could not handle this message.' } };
}

function describeWsError(error: string | object): Refusal['error'] {
  if (typeof error === 'string') return { code: 'REFUSED', message: error };
  const { code, message } = error as { code?: unknown; message?: unknown };
  return {
    code: typeof code === 'string' ? code : 'REFUSED',
    message: typeof message === 'string' ? message : 'The server refused this message.',
  };
}
