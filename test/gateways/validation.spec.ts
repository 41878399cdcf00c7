import type { ArgumentMetadata } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  nameSchema,
  notificationSchema,
  saySchema,
  validatePayload,
  ValidationFailedException,
} from '../../src/gateways/validation.js';

type Schema = NonNullable<ArgumentMetadata['schema']>;

const passed: readonly (readonly [what: string, schema: Schema, payload: unknown])[] = [
  ['a name', nameSchema, 'lobby'],
  ['a name of one character', nameSchema, 'l'],
  ['a name of 128 characters', nameSchema, 'n'.repeat(128)],
  ['a message', saySchema, { room: 'lobby', text: 'hello' }],
  ['an empty text', saySchema, { room: 'lobby', text: '' }],
  ['a text of 4096 characters', saySchema, { room: 'lobby', text: 't'.repeat(4096) }],
  ['a notification', notificationSchema, { title: 'hello' }],
  ['a notification with a body', notificationSchema, { title: 't'.repeat(200), body: 'b'.repeat(4096) }],
];

const refused: readonly (readonly [
  what: string,
  schema: Schema,
  payload: unknown,
  wrong: Readonly<Record<string, string>>,
])[] = [
  ['a number as name', nameSchema, 7, { '': 'must be a string' }],
  ['no name at all', nameSchema, undefined, { '': 'must be a string' }],
  ['null as name', nameSchema, null, { '': 'must be a string' }],
  ['a list of names', nameSchema, ['lobby'], { '': 'must be a string' }],
  ['an empty name', nameSchema, '', { '': 'must not be empty' }],
  ['a name of 129 characters', nameSchema, 'n'.repeat(129), { '': 'must have at most 128 characters' }],
  ['a string as message', saySchema, 'hello', { '': 'must be an object { room, text }' }],
  ['nothing as message', saySchema, undefined, { '': 'must be an object { room, text }' }],
  ['binary as message', saySchema, Buffer.from('hello'), { room: 'must be a string', text: 'must be a string' }],
  ['a message without room', saySchema, { text: 'hello' }, { room: 'must be a string' }],
  ['a message without text', saySchema, { room: 'lobby' }, { text: 'must be a string' }],
  [
    'a text of 4097 characters',
    saySchema,
    { room: 'lobby', text: 't'.repeat(4097) },
    { text: 'must have at most 4096 characters' },
  ],
  [
    'a message that is wrong twice',
    saySchema,
    { room: '', text: 7 },
    { room: 'must not be empty', text: 'must be a string' },
  ],
  ['a notification without title', notificationSchema, { body: 'hello' }, { title: 'must be a string' }],
  ['an empty title', notificationSchema, { title: '' }, { title: 'must not be empty' }],
  [
    'a title of 201 characters',
    notificationSchema,
    { title: 't'.repeat(201) },
    { title: 'must have at most 200 characters' },
  ],
  [
    'a body of 4097 characters',
    notificationSchema,
    { title: 'hello', body: 'b'.repeat(4097) },
    { body: 'must have at most 4096 characters' },
  ],
  ['a list as notification', notificationSchema, null, { '': 'must be an object { title, body? }' }],
];

describe('the validation of a payload', () => {
  it.each(passed)('passes %s', async (_what, schema, payload) => {
    expect(await validate(payload, schema)).toEqual(payload);
  });

  it.each(refused)('refuses %s, and names each field that is wrong', async (_what, schema, payload, wrong) => {
    const refusal = await validate(payload, schema).catch((error: unknown) => error);

    expect(refusal).toBeInstanceOf(ValidationFailedException);
    expect(refusal).toMatchObject({ details: Object.entries(wrong).map(([field, expected]) => ({ field, expected })) });
  });

  it('drops what the schema does not know', async () => {
    expect(await validate({ room: 'lobby', text: 'hello', from: 'someone else' }, saySchema)).toEqual({
      room: 'lobby',
      text: 'hello',
    });
  });

  it('names a field within others by its path', async () => {
    const schema = z.object({ rooms: z.array(nameSchema) });

    await expect(validate({ rooms: ['lobby', ''] }, schema)).rejects.toMatchObject({
      details: [{ field: 'rooms.1', expected: 'must not be empty' }],
    });
  });

  it('names ten fields at most, so that an answer never grows with what was sent', async () => {
    const refusal = validate({ rooms: Array(1_000).fill('') }, z.object({ rooms: z.array(nameSchema) }));

    await expect(refusal).rejects.toSatisfy((error: ValidationFailedException) => error.details.length === 10);
  });

  it('leaves alone what has no schema', async () => {
    expect(await validatePayload.transform('anything', { type: 'body' })).toBe('anything');
  });
});

async function validate(payload: unknown, schema: Schema): Promise<unknown> {
  return await validatePayload.transform(payload, { type: 'body', schema });
}
