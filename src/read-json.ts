import type { z } from 'zod';

/** What a message says that is JSON of this shape; undefined for what is not, or is longer than such a message is. */
export function readJson<T>(schema: z.ZodType<T>, message: Buffer, longestBytes: number): T | undefined {
  if (message.length > longestBytes) return undefined;
  try {
    return schema.safeParse(JSON.parse(message.toString())).data;
  } catch {
    return undefined;
  }
}
