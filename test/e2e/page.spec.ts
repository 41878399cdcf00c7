import { chromium, type Page } from 'playwright-core';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { startProgram } from '../support/start-program.js';

const browserArguments = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** What the page's own script says of a tile. */
type Tile = Readonly<Record<'worker' | 'state' | 'sequence' | 'missed' | 'twice', string>>;

/** Of the browser, where the functions run that are handed to the page. */
declare const document: { querySelectorAll(selector: string): Iterable<{ readonly dataset: Tile }> };

describe('the page of a cluster of four workers', () => {
  it('shows connections on several workers, each with every beat once', async () => {
    const { page, complaints } = await openPage();

    await page.locator('#tiles > li[data-state="connected"]').nth(7).waitFor();
    const reached = Math.max(...(await tiles(page)).map(({ sequence }) => Number(sequence)));
    await tilesReach(page, reached + 10);

    const after = await tiles(page);
    expect(after.map(({ missed, twice }) => `${missed} missed, ${twice} twice`)).toEqual(
      Array(8).fill('0 missed, 0 twice'),
    );
    expect(new Set(after.map(({ worker }) => worker)).size).toBeGreaterThan(1);
    expect(await page.textContent('#summary')).toMatch(/8 connections on [2-4] workers/);
    expect(complaints).toEqual([]);
  });

  it('shows who heard what was said in the room', async () => {
    const { page, complaints } = await openPage();
    await page.getByText('8 of 8 in lobby').waitFor();

    await page.fill('#room-form [name="text"]', 'hello');
    await page.click('#send');

    await page.waitForSelector('#log > li[data-heard="8"]');
    expect(await page.textContent('#log > li:last-child')).toContain('hello');
    expect(await page.locator('#log > li').count()).toBe(1);
    expect(complaints).toEqual([]);
  });
});

async function tiles(page: Page): Promise<Tile[]> {
  return await page.evaluate(() =>
    Array.from(document.querySelectorAll('#tiles > li'), ({ dataset }) => ({ ...dataset })),
  );
}

async function tilesReach(page: Page, sequence: number): Promise<void> {
  await page.waitForFunction(
    (reached) =>
      Array.from(document.querySelectorAll('#tiles > li')).every(({ dataset }) => Number(dataset.sequence) >= reached),
    sequence,
  );
}

async function openPage(): Promise<{ page: Page; complaints: string[] }> {
  const cluster = await startProgram({ workers: 4 });
  const browser = await chromium.launch({ executablePath: inject('chromium'), args: browserArguments });
  onTestFinished(() => browser.close());
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())));
  page.on('pageerror', (error) => void complaints.push(error.message));
  await page.goto(cluster.url);
  return { page, complaints };
}
