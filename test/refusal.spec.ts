import {
  BadRequestException,
  ForbiddenException,
  HttpException,
  InternalServerErrorException,
  UnauthorizedException,
} from '@nestjs/common';
import { WsException } from '@nestjs/websockets';
import { describe, expect, it } from 'vitest';
import { ValidationFailedException } from '../src/gateways/validation.js';
import { isUnexpected, type Refusal, toRefusal, type WrongField } from '../src/refusal.js';

const internalError = { code: 'INTERNAL_ERROR', message: 'The server could not handle this message.' };

const refusals: readonly (readonly [exception: unknown, told: Refusal['error']])[] = [
  [new WsException('not today'), { code: 'REFUSED', message: 'not today' }],
  // What Nest says itself when a guard denies.
  [new WsException('Forbidden resource'), { code: 'FORBIDDEN', message: 'Forbidden resource' }],
  [
    new WsException({ code: 'TOO_MANY_ROOMS', message: 'leave one', secret: 'kept' }),
    { code: 'TOO_MANY_ROOMS', message: 'leave one' },
  ],
  [new WsException({ message: 'not today' }), { code: 'REFUSED', message: 'not today' }],
  [new WsException({ code: 7, message: {} }), { code: 'REFUSED', message: 'The server refused this message.' }],
  [new WsException(null as never), { code: 'REFUSED', message: 'The server refused this message.' }],
  [new ForbiddenException('members only'), { code: 'FORBIDDEN', message: 'members only' }],
  [new UnauthorizedException(), { code: 'UNAUTHORIZED', message: 'Unauthorized' }],
  [new BadRequestException('too long'), { code: 'BAD_REQUEST', message: 'too long' }],
  [new ForbiddenException({ code: 'NO_SEAT', message: 'full', secret: 'kept' }), { code: 'NO_SEAT', message: 'full' }],
  [new HttpException('odd', 499), { code: 'REFUSED', message: 'odd' }],
  [new InternalServerErrorException('the disk is full'), internalError],
  [new Error('connect to 10.0.0.7 refused'), internalError],
  ['a string', internalError],
  [undefined, internalError],
];

const details: readonly WrongField[] = [
  { field: 'room', expected: 'must not be empty' },
  { field: '', expected: 'must be an object' },
];

/** What is thrown when a payload is wrong, and the fields that are named to the client. */
const validations: readonly (readonly [what: string, exception: unknown, details: readonly WrongField[]])[] = [
  ['ours', new ValidationFailedException(details), details],
  [
    'of Nest’s ValidationPipe',
    new BadRequestException([
      'text must be shorter than or equal to 10 characters',
      'room should not be empty',
      'property admin should not exist',
      'address.city must be a string',
      'nested property address must be either object or array',
      'each value in tags must be a string',
      'address.each value in lines must be a string',
      'Please give a name',
    ]),
    [
      { field: 'text', expected: 'must be shorter than or equal to 10 characters' },
      { field: 'room', expected: 'should not be empty' },
      { field: 'admin', expected: 'should not exist' },
      { field: 'address.city', expected: 'must be a string' },
      { field: 'address', expected: 'must be either object or array' },
      { field: 'tags', expected: 'must be a string' },
      { field: 'address.lines', expected: 'must be a string' },
      { field: '', expected: 'Please give a name' },
    ],
  ],
  [
    'of Nest’s StandardSchemaValidationPipe',
    new BadRequestException(['rooms.1: must not be empty', 'must be an object']),
    [
      { field: 'rooms.1', expected: 'must not be empty' },
      { field: '', expected: 'must be an object' },
    ],
  ],
  ['of class-validator, as exceptionFactory gets them', new WsException(classValidatorErrors()), nestedDetails()],
  ['of class-validator in an HTTP exception', new BadRequestException(classValidatorErrors()), nestedDetails()],
];

describe('a refusal', () => {
  it.each(refusals)('of %o is %j', (exception, error) => {
    expect(toRefusal(exception)).toEqual({ error });
  });

  it.each(validations)(
    'of a failed validation names each field and what was expected: %s',
    (_what, exception, wrong) => {
      const { error } = toRefusal(exception);

      expect(error.code).toBe('VALIDATION_FAILED');
      expect(error.details).toEqual(wrong);
      expect(error.message).toContain(`${wrong[0]!.field}: ${wrong[0]!.expected}`);
    },
  );

  it('repeats nothing that the client has sent', () => {
    expect(JSON.stringify(toRefusal(new WsException(classValidatorErrors())))).not.toContain('secret');
  });

  it('names ten fields at most', () => {
    const exception = new BadRequestException(Array(1_000).fill('text must be a string'));

    expect(toRefusal(exception).error.details).toHaveLength(10);
  });

  it('of something that throws when it is looked at is that of an unexpected error', () => {
    const nasty = new (class extends WsException {
      override getError(): never {
        throw new Error('even here');
      }
    })('nasty');

    expect(toRefusal(nasty)).toEqual({ error: internalError });
  });
});

describe('an exception', () => {
  it.each([new Error('oops'), 'oops', undefined, new InternalServerErrorException('oops')])(
    'that nobody meant for a client, as %o, is unexpected',
    (exception) => {
      expect(isUnexpected(exception)).toBe(true);
    },
  );

  it.each([new WsException('no'), new ForbiddenException(), new ValidationFailedException([])])(
    'that was meant for a client, as %o, is not',
    (exception) => {
      expect(isUnexpected(exception)).toBe(false);
    },
  );
});

function classValidatorErrors() {
  const target = { text: 'secret', password: 'secret' };
  return [
    { target, value: 'secret', property: 'text', constraints: { isNumber: 'text must be a number' }, children: [] },
    {
      target,
      value: {},
      property: 'address',
      children: [{ target, value: 'secret', property: 'city', constraints: { isString: 'city must be a string' } }],
    },
  ];
}

function nestedDetails(): WrongField[] {
  return [
    { field: 'text', expected: 'must be a number' },
    { field: 'address.city', expected: 'must be a string' },
  ];
}
