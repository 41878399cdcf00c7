import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** The worker that a session lives on. */
export interface Owner {
  /** The tag of its host: 40 random bits that each primary chooses for itself, in hexadecimal. Tells no address. */
  readonly host: string;
  readonly slot: number;
  /** Which of its primary's forks it is, so that no two workers of a slot are taken for each other. */
  readonly fork: number;
}

/** Host 5 bytes, slot 2, fork 4, random 16, seal 6: without padding 44 characters of base64url. */
const layout = { host: 5, slot: 5, fork: 7, random: 11, seal: 27, end: 33 } as const;

const pattern = /^[\w-]{44}$/;

export function newHostTag(): string {
  return randomBytes(layout.host).toString('hex');
}

/** Makes the ids of one worker's sessions: who owns it, 128 random bits, and a seal that only its host can make. */
export class SessionIds {
  private readonly owner: Buffer;

  constructor(
    owner: Owner,
    private readonly key: Buffer,
  ) {
    this.owner = Buffer.alloc(layout.random);
    this.owner.write(owner.host, 'hex');
    this.owner.writeUInt16BE(owner.slot, layout.slot);
    this.owner.writeUInt32BE(owner.fork, layout.fork);
  }

  make(): string {
    const body = Buffer.concat([this.owner, randomBytes(layout.seal - layout.random)]);
    return Buffer.concat([body, sealOf(body, this.key)]).toString('base64url');
  }
}

/** Reads who owns a session, from the id alone; undefined for what cannot be an id. */
export function ownerOf(id: string): Owner | undefined {
  if (!pattern.test(id)) return undefined;
  const bytes = Buffer.from(id, 'base64url');
  return {
    host: bytes.toString('hex', 0, layout.host),
    slot: bytes.readUInt16BE(layout.slot),
    fork: bytes.readUInt32BE(layout.fork),
  };
}

/** Whether the host with that key has made this id, so that nobody has work done for ids that he has made up. */
export function isGenuine(id: string, key: Buffer): boolean {
  const bytes = Buffer.from(id, 'base64url');
  return timingSafeEqual(bytes.subarray(layout.seal, layout.end), sealOf(bytes.subarray(0, layout.seal), key));
}

function sealOf(body: Buffer, key: Buffer): Buffer {
  return createHmac('sha256', key)
    .update(body)
    .digest()
    .subarray(0, layout.end - layout.seal);
}
