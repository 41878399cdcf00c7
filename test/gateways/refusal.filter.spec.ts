import { BadRequestException, ForbiddenException, InternalServerErrorException, Logger } from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { WsException } from '@nestjs/websockets';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Refusal } from '../../src/events.js';
import { RefusalFilter } from '../../src/gateways/refusal.filter.js';
import { ValidationFailedException } from '../../src/gateways/validation.js';
import { fakeSocket } from '../support/fake-socket.js';

const internalError = { code: 'INTERNAL_ERROR', message: 'The server could not handle this message.' };

const refusals: readonly (readonly [exception: unknown, told: Refusal['error']])[] = [
  [
    new ValidationFailedException([
      { field: 'room', expected: 'must not be empty' },
      { field: '', expected: 'must be an object' },
    ]),
    {
      code: 'VALIDATION_FAILED',
      message: 'The payload is wrong: room: must not be empty; it: must be an object.',
      details: [
        { field: 'room', expected: 'must not be empty' },
        { field: '', expected: 'must be an object' },
      ],
    },
  ],
  [new WsException('not today'), { code: 'REFUSED', message: 'not today' }],
  [
    new WsException({ code: 'TOO_MANY_ROOMS', message: 'leave one', secret: 'kept' }),
    { code: 'TOO_MANY_ROOMS', message: 'leave one' },
  ],
  [new WsException({ message: 'not today' }), { code: 'REFUSED', message: 'not today' }],
  [new WsException({ code: 7, message: {} }), { code: 'REFUSED', message: 'The server refused this message.' }],
  [new ForbiddenException('members only'), { code: 'HTTP_403', message: 'members only' }],
  [new BadRequestException('too long'), { code: 'HTTP_400', message: 'too long' }],
  [new InternalServerErrorException('the disk is full'), internalError],
  [new Error('connect to 10.0.0.7 refused'), internalError],
  ['a string', internalError],
  [undefined, internalError],
];

describe('a refusal', () => {
  it.each(refusals)('of %o is %j', (exception, error) => {
    const { answer } = refuse(exception);

    expect(answer).toEqual([{ error }]);
  });

  it('goes into the acknowledgement where the client asked for one, and nowhere else', () => {
    const { answer, heard } = refuse(new WsException('no'));

    expect(answer).toEqual([{ error: { code: 'REFUSED', message: 'no' } }]);
    expect(heard).toEqual([]);
  });

  it('is an `exception` event where the client asked for no acknowledgement', () => {
    const { answer, heard } = refuse(new WsException('no'), { acknowledged: false });

    expect(answer).toEqual([]);
    expect(heard).toEqual([['exception', { error: { code: 'REFUSED', message: 'no' } }]]);
  });

  it('of an unexpected error is logged with the error', () => {
    const error = new Error('connect to 10.0.0.7 refused');

    expect(refuse(error).logged).toEqual([error]);
  });

  it.each([new WsException('no'), new ForbiddenException(), new ValidationFailedException([])])(
    'that was meant, as %o, is not logged',
    (exception) => {
      expect(refuse(exception).logged).toEqual([]);
    },
  );
});

function refuse(exception: unknown, { acknowledged = true } = {}) {
  const logged: unknown[] = [];
  const say = (message: unknown): void => void logged.push(message);
  Logger.overrideLogger({ log: say, error: say, warn: say });
  onTestFinished(() => Logger.overrideLogger(false));

  const answer: unknown[] = [];
  const { client, heard } = fakeSocket('ada');
  const acknowledge = acknowledged ? [(result: unknown) => answer.push(result)] : [];
  // As Nest calls it: the socket, the payload, the acknowledgement if there is one, the name of the event.
  new RefusalFilter().catch(exception, new ExecutionContextHost([client, 'payload', ...acknowledge, 'say']));
  return { answer, heard, logged };
}
