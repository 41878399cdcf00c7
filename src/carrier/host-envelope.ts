/**
 * What one host has told its own processes already, and now tells the others: the channel and the message, with the
 * name of the host, whose processes drop it.
 */
export interface Envelope {
  readonly host: string;
  readonly channel: string;
  readonly message: Buffer;
}

/** Two lengths of two bytes each, the host, the channel, and the message as it is. */
const headBytes = 4;

export function sealEnvelope({ host, channel, message }: Envelope): Buffer {
  const [hostBytes, channelBytes] = [Buffer.from(host), Buffer.from(channel)];
  const head = Buffer.alloc(headBytes);
  head.writeUInt16BE(hostBytes.length, 0);
  head.writeUInt16BE(channelBytes.length, 2);
  return Buffer.concat([head, hostBytes, channelBytes, message]);
}

/** Undefined where it is none: anyone who reaches Redis can publish. */
export function openEnvelope(bytes: Buffer): Envelope | undefined {
  if (bytes.length < headBytes) return undefined;
  const channelAt = headBytes + bytes.readUInt16BE(0);
  const messageAt = channelAt + bytes.readUInt16BE(2);
  if (messageAt > bytes.length) return undefined;
  return {
    host: bytes.toString('utf8', headBytes, channelAt),
    channel: bytes.toString('utf8', channelAt, messageAt),
    message: bytes.subarray(messageAt),
  };
}

/** Whether a channel's name is short enough for an envelope. */
export function fitsEnvelope(channel: string): boolean {
  return Buffer.byteLength(channel) <= 0xffff;
}
