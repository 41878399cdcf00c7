import { describe, expect, it } from 'vitest';
import { httpAddress } from '../src/address.js';

describe('httpAddress', () => {
  it.each([
    [undefined, 'http://localhost:3000'],
    ['0.0.0.0', 'http://localhost:3000'],
    ['::', 'http://localhost:3000'],
    ['127.0.0.1', 'http://127.0.0.1:3000'],
    ['chat.example.com', 'http://chat.example.com:3000'],
    ['::1', 'http://[::1]:3000'],
  ])('of host %s is %s', (host, address) => {
    expect(httpAddress(host, 3000)).toBe(address);
  });
});
