import type { WsResponse } from '@nestjs/websockets';

/**
 * Whether a result is a response to emit: exactly `{ event: string, data }`.
 *
 * An object with other fields besides is a result like any other, though one of them be called `event`.
 */
export function isWsResponse(value: unknown): value is WsResponse<unknown> {
  if (typeof value !== 'object' || value === null || !('event' in value) || !('data' in value)) return false;
  return typeof value.event === 'string' && Object.keys(value).length === 2;
}
