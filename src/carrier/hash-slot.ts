export const slotCount = 16_384;

/** CRC-16/XMODEM, a byte at a time. */
const table = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  return crc;
});

/** The slot of a Redis Cluster that a key or a channel belongs to. */
export function hashSlot(name: string): number {
  let crc = 0;
  for (const byte of Buffer.from(hashedPart(name))) crc = ((crc << 8) ^ table[((crc >> 8) ^ byte) & 0xff]!) & 0xffff;
  return crc % slotCount;
}

/** What stands between the first `{` and the `}` that follows, where that is anything: names that share it share a slot. */
export function hashedPart(name: string): string {
  const start = name.indexOf('{');
  const end = start === -1 ? -1 : name.indexOf('}', start);
  return end > start + 1 ? name.slice(start + 1, end) : name;
}
