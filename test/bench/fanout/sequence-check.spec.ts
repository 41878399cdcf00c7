import { describe, expect, it } from 'vitest';
import { SequenceCheck } from '../../../bench/fanout/sequence-check.js';

const all = (): boolean => true;
const odd = (sequence: number): boolean => sequence % 2 === 1;

describe('the check of a client', () => {
  it.each([
    ['messages in order', all, [1, 2, 3], undefined],
    ['those alone that concern it', odd, [1, 3, 5], undefined],
    ['a message lost', all, [1, 3], 'got message 3 before 2, which is lost or late'],
    ['the first message lost', all, [2], 'got message 2 before 1, which is lost or late'],
    ['one lost of those that concern it', odd, [1, 5], 'got message 5 before 3, which is lost or late'],
    ['a message twice', all, [1, 2, 2], 'got message 2 twice or too late: 3 was due'],
    ['one twice after others', all, [1, 2, 3, 1], 'got message 1 twice or too late: 4 was due'],
    ['two messages swapped', all, [1, 3, 2], 'got message 3 before 2, which is lost or late'],
    ['a message for others', odd, [1, 4], 'got message 4, which is not for it'],
    ['something that is no number', all, [Number.NaN], 'got message NaN, which is no number'],
  ])('that gets %s', (_, concerns, sequences, expected) => {
    const check = new SequenceCheck(0, concerns);

    expect(sequences.map((sequence) => check.received(sequence)).find(Boolean)).toBe(expected);
  });

  it('knows whether all has come that was sent', () => {
    const check = new SequenceCheck(10, odd);
    check.received(11);

    expect([check.missing(11), check.missing(12), check.missing(13)]).toEqual([
      undefined,
      undefined,
      'did not get message 13',
    ]);
  });
});
