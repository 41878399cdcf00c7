import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Controller, Get, Header } from '@nestjs/common';

/** A page that shows the cluster at work: who serves whom, the heartbeat, a room to talk in. */
@Controller()
export class PageController {
  private readonly page = readFileSync(path.join(projectRoot(), 'web', 'index.html'), 'utf8');

  @Get()
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Header('Cache-Control', 'no-cache')
  show(): string {
    return this.page;
  }
}

/** The nearest folder above with a `package.json`: this file runs from `src` in tests, and from `dist/src` when built. */
function projectRoot(): string {
  let folder = import.meta.dirname;
  while (!existsSync(path.join(folder, 'package.json'))) folder = path.dirname(folder);
  return folder;
}
