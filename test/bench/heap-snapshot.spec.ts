import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { writeHeapSnapshot } from 'node:v8';
import { describe, expect, it } from 'vitest';
import { type Consumer, consumersOf, consumersPerClient } from '../../bench/routes/memory/heap-snapshot.js';
import { temporaryFolder } from '../support/temporary-folder.js';

/** As V8 writes it, but for what is not read. */
const snapshot = (nodes: readonly [type: string, name: string, bytes: number][]): string => {
  const types = ['object', 'closure', 'native'];
  const strings = [...new Set(nodes.map(([, name]) => name))];
  return JSON.stringify({
    snapshot: { meta: { node_fields: ['type', 'name', 'id', 'self_size'], node_types: [types, 'string', 'number'] } },
    nodes: nodes.flatMap(([type, name, bytes], id) => [types.indexOf(type), strings.indexOf(name), id, bytes]),
    strings,
  });
};

const consumer = (name: string, count: number, bytes: number): Consumer => ({ name, count, bytes });

describe('consumersOf', () => {
  it('sums up objects by their constructor', () => {
    const text = snapshot([
      ['object', 'Socket', 100],
      ['native', 'TCP', 50],
      ['object', 'Socket', 120],
    ]);

    expect(consumersOf(text)).toEqual([consumer('Socket', 2, 220), consumer('TCP', 1, 50)]);
  });

  it('sums up what has no constructor by its type, whatever its name is', () => {
    const text = snapshot([
      ['closure', 'onReady', 56],
      ['closure', 'onClose', 64],
    ]);

    expect(consumersOf(text)).toEqual([consumer('(closure)', 2, 120)]);
  });

  it('reads what this Node writes', async () => {
    class Findable {
      readonly holds = [1];
    }
    const kept = Array.from({ length: 7 }, () => new Findable());
    const file = path.join(temporaryFolder(), 'test.heapsnapshot');
    writeHeapSnapshot(file);

    const found = consumersOf(await readFile(file, 'utf8')).find(({ name }) => name === 'Findable');

    expect(found?.count).toBe(kept.length);
    expect(found?.bytes).toBeGreaterThan(0);
  });
});

describe('consumersPerClient', () => {
  it('is what came with the clients, for each of them, the largest first', () => {
    const before = [consumer('Socket', 2, 200), consumer('Map', 5, 500)];
    const after = [consumer('Map', 25, 2_500), consumer('Socket', 12, 1_200), consumer('Wire', 10, 4_800)];

    expect(consumersPerClient(before, after, 10)).toEqual([
      consumer('Wire', 1, 480),
      consumer('Map', 2, 200),
      consumer('Socket', 1, 100),
    ]);
  });

  it('leaves out what stayed the same', () => {
    const same = [consumer('Map', 5, 500)];

    expect(consumersPerClient(same, same, 10)).toEqual([]);
  });
});
