import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { arch, cpus, totalmem } from 'node:os';
import path from 'node:path';

const page = 'bench/README.md';
const folder = 'bench/results';

/** A table in Markdown, laid out as prettier would have it. */
export function toTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(3, ...all.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`;
  return [line(header), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

/** Puts what a bench has to say into its section of bench/README.md; a bench that has none gets one at the end. */
export async function writeSection(bench: string, paragraphs: readonly string[]): Promise<void> {
  await writeFile(page, withSection(await readFile(page, 'utf8'), bench, paragraphs));
}

/** The same as a function of the page's text. */
export function withSection(text: string, bench: string, paragraphs: readonly string[]): string {
  const [begin, end] = [`<!-- ${bench}: written by the command -->`, `<!-- ${bench}: end -->`];
  const section = [begin, ...paragraphs, end].join('\n\n');
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from === -1 && to === -1) return `${text.trimEnd()}\n\n## ${bench}\n\n${section}\n`;
  if (from === -1 || to < from) throw new Error(`${page} has one of the two markers of ${bench}: restore the other.`);
  return `${text.slice(0, from)}${section}${text.slice(to + end.length)}`;
}

/** Keeps what was measured, before any of it was summed up, in bench/results. */
export async function writeSamples(bench: string, samples: unknown): Promise<void> {
  await writeResult(`${bench}.json`, `${JSON.stringify(samples, undefined, 1)}\n`);
}

/** Keeps a picture in bench/results, and hands back how the page shows it. */
export async function writePicture(name: string, svg: string, description: string): Promise<string> {
  await writeResult(`${name}.svg`, svg);
  return `![${description}](results/${name}.svg)`;
}

async function writeResult(name: string, text: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, name), text);
}

/** What a reader has to know of where this ran: Node, the packages named, and the machine. */
export async function conditions(packages: readonly string[]): Promise<string> {
  const { dependencies, devDependencies } = JSON.parse(await readFile('package.json', 'utf8')) as {
    dependencies: Record<string, string>;
    devDependencies: Record<string, string>;
  };
  const known = { ...devDependencies, ...dependencies };
  const versions = packages.map((name) => `${name} ${known[name]}`);
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${arch()}`;
  return `Node ${process.versions.node}, ${versions.join(', ')}; ${machine}`;
}
