import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

/** Which of our own modules each folder may import: files at the root of `src`, never another folder. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  adapter: [
    'carrier',
    'delivery',
    'errors',
    'fenced-message',
    'msgpack-walk',
    'publisher',
    'rare-log',
    'refusal',
    'refused-messages',
    'within',
  ],
  carrier: ['carrier', 'errors', 'ipc', 'publisher', 'redis-address', 'refused-messages', 'within'],
  cluster: ['errors', 'fleet-status', 'ipc', 'private-socket', 'slow-clients', 'within'],
  delivery: ['delivery', 'errors', 'slow-clients'],
  emitter: ['carrier', 'errors', 'publisher'],
  fleet: [
    'carrier',
    'errors',
    'fleet-clock',
    'fleet-schedule',
    'fleet-status',
    'leadership',
    'read-json',
    'redis-address',
    'term',
    'within',
  ],
  // What a team writes beside these gateways has the library's public names as well.
  gateways: ['errors', 'events', 'identity', 'index', 'refusal', 'subscribe-to'],
  heartbeat: [
    'carrier',
    'events',
    'fenced-message',
    'fleet-clock',
    'fleet-schedule',
    'ipc',
    'leadership',
    'publisher',
    'read-json',
    'term',
  ],
  ops: ['carrier', 'errors', 'identity', 'refused-messages', 'slow-clients'],
  sessions: ['carrier', 'errors', 'ipc', 'private-socket', 'refused-messages', 'within'],
};

/** The files at the root of `src` that put folders together. Whatever imports one of them imports all folders. */
const compositions = [
  'app.module',
  'ctl',
  'index',
  'main',
  'open-carrier',
  'primary',
  'redis-io.adapter',
  'serve',
  'serving.module',
  'setup-cluster-io',
  'worker',
];

const sources = readdirSync('src', { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => path.join(entry.parentPath, entry.name))
  .map((file) => ({ file, module: moduleOf(file), text: readFileSync(file, 'utf8') }));

const folders = [...new Set(sources.map(({ module }) => module).filter(isFolder))];

describe('src', () => {
  it('has a rule for each of its folders', () => {
    expect(folders.toSorted()).toEqual(Object.keys(mayImport).map((folder) => `${folder}/`));
  });

  it.each(Object.entries(mayImport))('has a folder %s that imports only %j', (folder, allowed) => {
    const others = importsOf(`${folder}/`).filter(({ module }) => module !== `${folder}/`);

    expect(others.filter(({ module }) => !allowed.includes(module))).toEqual([]);
  });

  it('combines folders in its compositions alone', () => {
    const plain = sources.filter(({ module }) => !isFolder(module) && !compositions.includes(module));
    const combined = plain.flatMap(({ module }) => importsOf(module));

    expect(combined.filter(({ module }) => isFolder(module) || compositions.includes(module))).toEqual([]);
  });

  it('reads the environment in config.ts alone', () => {
    expect(filesWith(/process\s*\??\.\s*env\b|process\[['"]env|\benv\b[^\n]*from 'node:process'/)).toEqual([
      'src/config.ts',
    ]);
  });

  it('exports by name', () => {
    expect(filesWith(/export\s+default\b|export\s+\*|as\s+default\b/)).toEqual([]);
  });

  it('imports its own files by their relative path and with .js', () => {
    const specifiers = sources.flatMap(({ file, text }) =>
      specifiersIn(text).map((specifier) => `${file}: ${specifier}`),
    );

    expect(specifiers.filter((line) => /: (\.[^']*(?<!\.js)|src\/.*|nest-io-cluster.*)$/.test(line))).toEqual([]);
  });
});

/** `carrier/` for a file of that folder, `carrier` for a file at the root. */
function moduleOf(file: string): string {
  const [first = '', ...rest] = path.relative('src', file).split(path.sep);
  return rest.length > 0 ? `${first}/` : first.replace(/\.[jt]s$/, '');
}

function isFolder(module: string): boolean {
  return module.endsWith('/');
}

/** What a folder or a root file imports of our own, and where. */
function importsOf(importer: string): { readonly file: string; readonly module: string }[] {
  return sources
    .filter(({ module }) => module === importer)
    .flatMap(({ file, text }) =>
      specifiersIn(text)
        .filter((specifier) => specifier.startsWith('.'))
        .map((specifier) => ({ file, module: moduleOf(path.join(path.dirname(file), specifier)) })),
    );
}

/** Of `import … from`, `export … from`, `import '…'` and `import('…')`, types included. */
function specifiersIn(text: string): string[] {
  return [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*['"]([^'"]+)['"]/g)].map(([, specifier]) => specifier!);
}

function filesWith(pattern: RegExp): string[] {
  return sources.filter(({ text }) => pattern.test(text)).map(({ file }) => file);
}
