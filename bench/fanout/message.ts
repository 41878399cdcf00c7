const digits = { sequence: 10, sentAt: 16 };

/** What is emitted: a number and a time of the one clock that all processes have, filled up to the size wanted. */
export function payload(sequence: number, micros: number, bytes: number): string {
  const start = String(sequence).padStart(digits.sequence, '0') + String(micros).padStart(digits.sentAt, '0');
  return start.padEnd(bytes, 'x');
}

export function sequenceAt(bytes: Buffer, from: number): number {
  return numberAt(bytes, from, digits.sequence);
}

export function sentAt(bytes: Buffer, from: number): number {
  return numberAt(bytes, from + digits.sequence, digits.sentAt);
}

/** Microseconds, the same in every process of the machine. */
export function nowMicros(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000_000 + Math.floor(nanoseconds / 1_000);
}

function numberAt(bytes: Buffer, from: number, length: number): number {
  let number = 0;
  for (let at = from; at < from + length; at++) {
    const digit = bytes[at]! - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    number = number * 10 + digit;
  }
  return number;
}
