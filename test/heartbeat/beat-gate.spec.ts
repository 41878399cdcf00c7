import { describe, expect, it } from 'vitest';
import { type GateState, openGate, passed, refusalOf, sequencesOf } from '../../src/heartbeat/beat-gate.js';

const beat = (counter: number, sequence: number, holder = 'a') => ({ term: { counter, holder }, sequence });
const after = (...beats: ReturnType<typeof beat>[]): GateState => beats.reduce(passed, openGate);

describe('the gate of a worker', () => {
  it('lets rising sequences pass, with gaps', () => {
    expect(refusalOf(openGate, beat(1, 0))).toBeUndefined();
    expect(refusalOf(after(beat(1, 5)), beat(1, 6))).toBeUndefined();
    expect(refusalOf(after(beat(1, 5)), beat(1, 60))).toBeUndefined();
  });

  it('lets no sequence pass twice or backwards, not of a newer term either', () => {
    expect(refusalOf(after(beat(1, 5)), beat(1, 5))).toBe('repeated');
    expect(refusalOf(after(beat(1, 5)), beat(1, 4))).toBe('repeated');
    expect(refusalOf(after(beat(1, 5)), beat(2, 5))).toBe('repeated');
  });

  it('lets no older term pass after a newer one, whatever its sequence', () => {
    expect(refusalOf(after(beat(2, 5)), beat(1, 6))).toBe('older term');
    expect(refusalOf(after(beat(2, 5, 'b')), beat(2, 6, 'a'))).toBe('older term');
    expect(refusalOf(after(beat(2, 5, 'a')), beat(2, 6, 'b'))).toBeUndefined();
  });

  it('gives the one before with a beat where that alone was lost', () => {
    expect(sequencesOf(openGate, beat(1, 5))).toEqual([5]);
    expect(sequencesOf(after(beat(1, 5)), beat(1, 6))).toEqual([6]);
    expect(sequencesOf(after(beat(1, 5)), beat(1, 7))).toEqual([6, 7]);
    expect(sequencesOf(after(beat(1, 5)), beat(1, 8))).toEqual([8]);
  });

  it('learns of a newer term from a beat that it refuses', () => {
    expect(refusalOf(after(beat(1, 5), beat(2, 5)), beat(1, 6))).toBe('older term');
  });
});
