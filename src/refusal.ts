import { HttpException, HttpStatus } from '@nestjs/common';
import { WsException } from '@nestjs/websockets';

export interface WrongField {
  /** Its path within the payload, such as `rooms.1`; empty where the whole payload is wrong. */
  readonly field: string;
  readonly expected: string;
}

/** The shape of every refusal, in an acknowledgement or in the `exception` event. */
export interface Refusal {
  readonly error: {
    /**
     * For a program: `VALIDATION_FAILED`, `FORBIDDEN` (a guard), `UNKNOWN_EVENT`, `NOT_CONNECTED` (the connecting
     * failed or is overloaded), `INTERNAL_ERROR`, `REFUSED`, the name of an HTTP status, or what a gateway chose.
     */
    readonly code: string;
    /** For a person. */
    readonly message: string;
    /** One entry for each field that is wrong, ten at the most. */
    readonly details?: readonly WrongField[];
  };
}

export const internalError: Refusal = {
  error: { code: 'INTERNAL_ERROR', message: 'The server could not handle this message.' },
};

const mostDetails = 10;

/** What Nest says itself when a guard denies. */
const deniedByGuard = 'Forbidden resource';

/**
 * What a client is told of an exception. Of one that was not meant for clients it is told nothing: neither its message
 * nor its stack, nor what the client or anybody else had sent.
 */
export function toRefusal(exception: unknown): Refusal {
  try {
    return read(exception);
  } catch {
    // What somebody throws may throw itself when it is looked at.
    return internalError;
  }
}

function read(exception: unknown): Refusal {
  if (exception instanceof WsException) {
    const told: unknown = exception.getError();
    // What another library says of itself is not meant for clients.
    return told instanceof Error ? internalError : describe(told, 'REFUSED');
  }
  if (exception instanceof HttpException && exception.getStatus() < 500) {
    return describe(exception.getResponse(), HttpStatus[exception.getStatus()] ?? 'REFUSED');
  }
  return internalError;
}

/** Whether nobody foresaw the exception, so that somebody should look at it. */
export function isUnexpected(exception: unknown): boolean {
  return toRefusal(exception) === internalError;
}

function describe(told: unknown, code: string): Refusal {
  if (typeof told === 'string') {
    return { error: { code: told === deniedByGuard ? 'FORBIDDEN' : code, message: told } };
  }
  const details = detailsOf(told);
  if (details.length > 0) return { error: { code: 'VALIDATION_FAILED', message: sentenceOf(details), details } };
  const { code: own, message } = (told ?? {}) as { readonly code?: unknown; readonly message?: unknown };
  return {
    error: {
      code: typeof own === 'string' ? own : code,
      message: typeof message === 'string' ? message : 'The server refused this message.',
    },
  };
}

function sentenceOf(details: readonly WrongField[]): string {
  return `The payload is wrong: ${details.map(({ field, expected }) => `${field || 'it'}: ${expected}`).join('; ')}.`;
}

/** Of ours, of a list of messages as Nest's pipes make it, or of class-validator's own errors. */
function detailsOf(told: unknown): readonly WrongField[] {
  if (Array.isArray(told)) return told.flatMap((error) => wrongFieldsIn(error)).slice(0, mostDetails);
  if (!isRecord(told)) return [];
  const { details, message } = told;
  return (
    [details, message].map((list) => (Array.isArray(list) ? detailsOf(list) : [])).find(({ length }) => length > 0) ??
    []
  );
}

function wrongFieldsIn(error: unknown, parent = ''): readonly WrongField[] {
  if (typeof error === 'string') return [parseMessage(error)];
  if (!isRecord(error)) return [];
  const { field, expected, property, constraints, children } = error;
  if (typeof field === 'string' && typeof expected === 'string') return [{ field, expected }];
  if (typeof property !== 'string') return [];
  const path = `${parent}${property}`;
  const own = isRecord(constraints) ? Object.values(constraints).filter((text) => typeof text === 'string') : [];
  return [
    ...own.map((text) => ({ field: path, expected: parseMessage(text).expected })),
    ...(Array.isArray(children) ? children.flatMap((child) => wrongFieldsIn(child, `${path}.`)) : []),
  ];
}

/** Nest's pipes leave only sentences: `room must be a string`, `rooms.1: must not be empty`. */
const sentences = [
  /^property (?<field>\S+) (?<expected>should not exist)$/,
  /^nested property (?<field>\S+) (?<expected>must .+)$/s,
  /^(?<parent>\S+\.)?each value in (?:nested property )?(?<field>\S+) (?<expected>.+)$/s,
  /^(?<field>[\w$.[\]-]+): (?<expected>.+)$/s,
  /^(?<field>[\w$.[\]-]+) (?<expected>(?:must|should|has to|is|are|may|can) .+)$/s,
];

function parseMessage(message: string): WrongField {
  for (const sentence of sentences) {
    const { parent = '', field, expected } = sentence.exec(message)?.groups ?? {};
    if (field !== undefined && expected !== undefined) return { field: `${parent}${field}`, expected };
  }
  return { field: '', expected: message };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
