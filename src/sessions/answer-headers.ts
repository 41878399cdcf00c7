/** Those belong to the connection on which they came, and Node writes its own. */
const ofConnection = new Set(['connection', 'keep-alive', 'trailer', 'transfer-encoding']);

/** The headers of another process's answer that are for the client; as name, value, name, … */
export function forClient(rawHeaders: readonly string[]): string[] {
  return rawHeaders.filter((_, at) => !ofConnection.has(rawHeaders[at - (at % 2)]!.toLowerCase()));
}
