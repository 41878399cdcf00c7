/**
 * Which beats a primary gives at the tick of `sequence`, where `given` is the last that its own workers have got.
 *
 * The leader gives the beat of the tick, and the one before where nobody has. Who does not lead gives the one before,
 * to its own workers alone, where the fleet was silent: every client is on one host, so each gets it once.
 */
export function beatsDue(sequence: number, given: number, isLeader: boolean): number[] {
  const candidates = isLeader ? [sequence - 1, sequence] : [sequence - 1];
  return candidates.filter((candidate) => candidate > given);
}
