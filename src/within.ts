/** Settles as `promise` does, or after `ms` as `late` does. The timer never outlives the wait. */
export async function within<T>(ms: number, promise: Promise<T>, late: () => T | Promise<T>): Promise<T> {
  let alarm: NodeJS.Timeout | undefined;
  const tooLate = new Promise<void>((resolve) => {
    alarm = setTimeout(resolve, ms);
  }).then(late);
  try {
    return await Promise.race([promise, tooLate]);
  } finally {
    clearTimeout(alarm);
  }
}
