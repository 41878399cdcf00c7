/** Bytes of all objects of one kind, without what they refer to. */
export interface Consumer {
  /** The constructor's name; in parentheses where V8 has no such thing, as for closures. */
  readonly name: string;
  readonly count: number;
  readonly bytes: number;
}

/** What is used of V8's format: the nodes are one list of numbers, so many for each, whose meaning `meta` says. */
interface Snapshot {
  readonly snapshot: {
    readonly meta: {
      readonly node_fields: readonly string[];
      readonly node_types: readonly [readonly string[], ...unknown[]];
    };
  };
  readonly nodes: readonly number[];
  readonly strings: readonly string[];
}

/** Types of nodes whose names are those of constructors. All others are named by their type. */
const constructed: readonly string[] = ['object', 'native'];

/** Sums up a heap snapshot as `v8.writeHeapSnapshot` writes it. */
export function consumersOf(text: string): readonly Consumer[] {
  const { snapshot, nodes, strings } = JSON.parse(text) as Snapshot;
  const { node_fields: fields, node_types: types } = snapshot.meta;
  const [type, name, size] = ['type', 'name', 'self_size'].map((field) => fields.indexOf(field)) as [
    number,
    number,
    number,
  ];
  const byName = new Map<string, { count: number; bytes: number }>();
  for (let node = 0; node < nodes.length; node += fields.length) {
    const typeName = types[0][nodes[node + type]!]!;
    const key = constructed.includes(typeName) ? strings[nodes[node + name]!]! : `(${typeName})`;
    const sum = byName.get(key) ?? { count: 0, bytes: 0 };
    byName.set(key, sum);
    sum.count++;
    sum.bytes += nodes[node + size]!;
  }
  return [...byName].map(([key, sum]) => ({ name: key, ...sum }));
}

/** What came between two snapshots with that many clients, for each of them; the largest first. */
export function consumersPerClient(
  before: readonly Consumer[],
  after: readonly Consumer[],
  clients: number,
): readonly Consumer[] {
  const known = new Map(before.map((consumer) => [consumer.name, consumer]));
  return after
    .map(({ name, count, bytes }) => ({
      name,
      count: (count - (known.get(name)?.count ?? 0)) / clients,
      bytes: (bytes - (known.get(name)?.bytes ?? 0)) / clients,
    }))
    .filter(({ bytes }) => Math.abs(bytes) >= 1)
    .toSorted((a, b) => b.bytes - a.bytes);
}
