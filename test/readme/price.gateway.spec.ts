import { Test } from '@nestjs/testing';
import type { Socket } from 'socket.io';
import { describe, expect, it } from 'vitest';
import { PriceGateway } from './price.gateway.js';

describe('PriceGateway', () => {
  it('puts a client that watches a symbol into the room of that symbol', async () => {
    const module = await Test.createTestingModule({ providers: [PriceGateway] }).compile();
    const joined: string[] = [];
    const client = { join: async (room: string) => void joined.push(room) } as unknown as Socket;

    expect(await module.get(PriceGateway).watch(client, 'ACME')).toEqual({ watching: 'ACME' });
    expect(joined).toEqual(['ACME']);
  });
});
