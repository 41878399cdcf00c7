import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AnswerHead, AnswerReader } from '../../src/sessions/answer-reader.js';

const head = 'HTTP/1.1 200 OK\r\nX-Name: a: b\r\n';

const complete = [
  ['of a known length', 'GET', `${head}Content-Length: 5\r\n\r\nhello`, 'hello'],
  [
    'in chunks',
    'GET',
    `${head}Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\nA\r\nlo, world!\r\n0\r\n\r\n`,
    'hello, world!',
  ],
  ['with trailers', 'GET', `${head}Transfer-Encoding: chunked\r\n\r\n1\r\nh\r\n0\r\nX-Sum: 1\r\n\r\n`, 'h'],
  ['of no length', 'GET', `${head}Content-Length: 0\r\n\r\n`, ''],
  ['without a body', 'GET', 'HTTP/1.1 204 No Content\r\nX-Name: a: b\r\n\r\n', ''],
  ['to HEAD', 'HEAD', `${head}Content-Length: 5\r\n\r\n`, ''],
  ['after another head', 'GET', `HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${head}Content-Length: 1\r\n\r\nh`, 'h'],
] as const;

describe('an answer', () => {
  it.each(complete)('%s is read whole, in whatever pieces it comes', (_, method, text, body) => {
    fc.assert(
      fc.property(fc.array(fc.nat(text.length)), (cuts) => {
        const read = readerOf(method);
        for (const piece of cut(text, cuts)) expect(read.reader.read(piece)).toBe(true);

        expect(read).toMatchObject({ body, ends: 1 });
        expect(read.heads).toEqual([expect.objectContaining({ status: text.includes('204') ? 204 : 200 })]);
        expect(read.heads[0]!.rawHeaders.slice(0, 2)).toEqual(['X-Name', 'a: b']);
        expect(read.reader.close()).toBe(true);
      }),
    );
  });

  it.each(complete)('%s is not read beyond its end', (_, method, text, body) => {
    const read = readerOf(method);

    expect(read.reader.read(Buffer.from(`${text}HTTP/1.1 200 OK\r\n\r\n`))).toBe(false);
    expect(read).toMatchObject({ body, ends: 1 });
  });

  it.each(complete.filter(([, , , body]) => body !== ''))('%s that breaks off has no end', (_, method, text) => {
    const read = readerOf(method);

    read.reader.read(Buffer.from(text.slice(0, -1)));

    expect(read.reader.close()).toBe(false);
    expect(read.ends).toBe(0);
  });

  it('of no stated length ends with its connection', () => {
    const read = readerOf('GET');
    for (const piece of [`${head}\r\nhel`, 'lo']) read.reader.read(Buffer.from(piece));

    expect(read.ends).toBe(0);
    expect(read.reader.close()).toBe(true);
    expect(read).toMatchObject({ body: 'hello', ends: 1 });
  });
});

function readerOf(method: string) {
  const read = {
    heads: [] as AnswerHead[],
    body: '',
    ends: 0,
    reader: new AnswerReader(method, {
      onHead: (answer) => void read.heads.push(answer),
      onBody: (chunk) => void (read.body += chunk.toString()),
      onEnd: (last) => {
        read.body += last?.toString() ?? '';
        read.ends++;
      },
    }),
  };
  return read;
}

function cut(text: string, cuts: readonly number[]): Buffer[] {
  const edges = [0, ...cuts.toSorted((a, b) => a - b), text.length];
  return edges.slice(1).map((edge, at) => Buffer.from(text.slice(edges[at], edge)));
}
