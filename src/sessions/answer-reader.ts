export interface AnswerHead {
  readonly status: number;
  readonly message: string;
  /** As name, value, name, … */
  readonly rawHeaders: readonly string[];
}

export interface AnswerListener {
  onHead(head: AnswerHead): void;
  onBody(chunk: Buffer): void;
  /** With the body's last chunk, where it came together with the end. */
  onEnd(last?: Buffer): void;
}

type Part =
  'head' | 'counted body' | 'chunk size' | 'chunk' | 'end of chunk' | 'trailers' | 'body until close' | 'done';

const noBytes = Buffer.alloc(0);

/** Reads one answer of Node's own HTTP server, whose form is known, from the bytes of a connection. */
export class AnswerReader {
  private part: Part = 'head';
  private unread: Buffer = noBytes;
  /** Bytes of the body, or of its chunk, that are still to come. */
  private missing = 0;

  constructor(
    private readonly method: string,
    private readonly listener: AnswerListener,
  ) {}

  /** False for bytes that nobody has asked for. */
  read(bytes: Buffer): boolean {
    this.unread = this.unread.length === 0 ? bytes : Buffer.concat([this.unread, bytes]);
    while (this.unread.length > 0 && this.part !== 'done') {
      if (!this.readPart()) return true;
    }
    return this.unread.length === 0;
  }

  /** The connection has ended: whether the answer has as well. */
  close(): boolean {
    if (this.part === 'body until close') this.end();
    return this.part === 'done';
  }

  /** Returns whether there was enough of it. */
  private readPart(): boolean {
    switch (this.part) {
      case 'head':
        return this.readHead();
      case 'counted body':
        return this.readCounted();
      case 'chunk size':
        return this.readLine((line) => {
          this.missing = Number.parseInt(line, 16);
          this.part = this.missing === 0 ? 'trailers' : 'chunk';
        });
      case 'chunk':
        this.listener.onBody(this.take(this.missing));
        if (this.missing === 0) this.part = 'end of chunk';
        return true;
      case 'end of chunk':
        return this.readLine(() => {
          this.part = 'chunk size';
        });
      case 'trailers':
        return this.readLine((line) => {
          if (line === '') this.end();
        });
      default:
        this.listener.onBody(this.take(Infinity));
        return true;
    }
  }

  private readHead(): boolean {
    const end = this.unread.indexOf('\r\n\r\n');
    if (end < 0) return false;
    const [first = '', ...lines] = this.unread.toString('latin1', 0, end).split('\r\n');
    this.unread = this.unread.subarray(end + 4);
    const status = Number(first.slice(9, 12));
    // What comes before an answer is none.
    if (status < 200) return true;
    const rawHeaders = lines.flatMap((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    });
    this.listener.onHead({ status, message: first.slice(13), rawHeaders });
    this.expectBody(status, rawHeaders);
    return true;
  }

  private expectBody(status: number, rawHeaders: readonly string[]): void {
    const length = headerOf(rawHeaders, 'content-length');
    if (this.method === 'HEAD' || status === 204 || status === 304 || length === '0') return this.end();
    if (headerOf(rawHeaders, 'transfer-encoding') !== undefined) this.part = 'chunk size';
    else this.part = length === undefined ? 'body until close' : 'counted body';
    this.missing = Number(length ?? 0);
  }

  private readCounted(): boolean {
    const chunk = this.take(this.missing);
    if (this.missing === 0) this.end(chunk);
    else this.listener.onBody(chunk);
    return true;
  }

  private readLine(then: (line: string) => void): boolean {
    const end = this.unread.indexOf('\r\n');
    if (end < 0) return false;
    const line = this.unread.toString('latin1', 0, end);
    this.unread = this.unread.subarray(end + 2);
    then(line);
    return true;
  }

  private take(most: number): Buffer {
    const taken = this.unread.subarray(0, most);
    this.unread = this.unread.subarray(taken.length);
    this.missing -= taken.length;
    return taken;
  }

  private end(last?: Buffer): void {
    this.part = 'done';
    this.listener.onEnd(last);
  }
}

/** Of a header that comes once, whatever its case; the name is given in lower case. */
export function headerOf(rawHeaders: readonly string[], name: string): string | undefined {
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const candidate = rawHeaders[at]!;
    if (candidate.length === name.length && candidate.toLowerCase() === name) return rawHeaders[at + 1];
  }
  return undefined;
}
