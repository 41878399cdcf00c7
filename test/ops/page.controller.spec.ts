import type { AddressInfo } from 'node:net';
import { Test } from '@nestjs/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { PageController } from '../../src/ops/page.controller.js';

describe('GET /', () => {
  it('serves the page as HTML, and asks again for a newer one', async () => {
    const response = await fetch(await startApplication());

    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('no-cache');
    expect(await response.text()).toMatch(/^<!doctype html>[\s\S]*<title>nest-io-cluster<\/title>/);
  });
});

async function startApplication(): Promise<string> {
  const module = await Test.createTestingModule({ controllers: [PageController] }).compile();
  const app = module.createNestApplication();
  await app.listen(0, '127.0.0.1');
  onTestFinished(() => app.close());
  const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();
  return `http://127.0.0.1:${port}/`;
}
