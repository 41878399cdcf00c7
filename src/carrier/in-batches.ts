/** How many channels one command names, so that none of them keeps Redis from others for long. */
const channelsPerCommand = 500;

/** Resolves once all parts of a long list of channels have been sent and answered. */
export async function inBatches(
  channels: readonly string[],
  send: (batch: readonly string[]) => Promise<unknown>,
): Promise<void> {
  const batches: Promise<unknown>[] = [];
  for (let start = 0; start < channels.length; start += channelsPerCommand) {
    batches.push(send(channels.slice(start, start + channelsPerCommand)));
  }
  await Promise.all(batches);
}
