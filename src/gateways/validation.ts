import { StandardSchemaValidationPipe } from '@nestjs/common';
import { WsException } from '@nestjs/websockets';
import { z } from 'zod';
import type { WrongField } from '../refusal.js';

/** A payload is not what the handler's schema says. */
export class ValidationFailedException extends WsException {
  constructor(readonly details: readonly WrongField[]) {
    super({ code: 'VALIDATION_FAILED', message: 'The payload is wrong.', details });
  }
}

/** Validates what stands behind `@MessageBody({ schema })`, and names each field that is wrong. */
export const validatePayload = new StandardSchemaValidationPipe({
  exceptionFactory: (issues) =>
    new ValidationFailedException(
      issues
        .slice(0, 10)
        .map(({ path = [], message }) => ({ field: path.map(segmentName).join('.'), expected: message })),
    ),
});

function segmentName(segment: PropertyKey | { readonly key: PropertyKey }): string {
  return String(typeof segment === 'object' ? segment.key : segment);
}

/** The name of a room or a user. */
export const nameSchema = z
  .string({ error: 'must be a string' })
  .min(1, { error: 'must not be empty' })
  .max(128, { error: 'must have at most 128 characters' });

export const saySchema = z.object(
  {
    room: nameSchema,
    text: z.string({ error: 'must be a string' }).max(4096, { error: 'must have at most 4096 characters' }),
  },
  { error: 'must be an object { room, text }' },
);

export const notificationSchema = z.object(
  {
    title: z.string({ error: 'must be a string' }).min(1, { error: 'must not be empty' }).max(200, {
      error: 'must have at most 200 characters',
    }),
    body: z.string({ error: 'must be a string' }).max(4096, { error: 'must have at most 4096 characters' }).optional(),
  },
  { error: 'must be an object { title, body? }' },
);
