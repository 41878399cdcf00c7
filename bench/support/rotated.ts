/** So that in the course of the rounds each comes first once: a machine is not the same all the time. */
export function rotated<T>(list: readonly T[], round: number): readonly T[] {
  const start = round % list.length;
  return [...list.slice(start), ...list.slice(0, start)];
}
