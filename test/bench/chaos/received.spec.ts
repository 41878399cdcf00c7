import { describe, expect, it } from 'vitest';
import { Received } from '../../../bench/chaos/received.js';

describe('what a connection has received of a stream', () => {
  it('is in order where numbers only rise, with gaps or without', () => {
    const received = heard(3, 4, 7, 8, 20);

    expect(received).toMatchObject({ duplicated: [], outOfOrder: [] });
    expect(numbersIn(received, 22)).toEqual([3, 4, 7, 8, 20]);
  });

  it('names what came twice, however much later', () => {
    expect(heard(1, 2, 2, 5, 1)).toMatchObject({ duplicated: [2, 1], outOfOrder: [] });
  });

  it('names what came after a later number, and has it all the same', () => {
    const received = heard(1, 4, 2);

    expect(received).toMatchObject({ duplicated: [], outOfOrder: [2] });
    expect(numbersIn(received, 5)).toEqual([1, 2, 4]);
  });

  it('names what came late and then again as both', () => {
    expect(heard(5, 2, 2)).toMatchObject({ duplicated: [2], outOfOrder: [2] });
  });
});

function heard(...numbers: number[]): Received {
  const received = new Received();
  for (const number of numbers) received.note(number);
  return received;
}

function numbersIn(received: Received, upTo: number): number[] {
  return Array.from({ length: upTo }, (_, index) => index + 1).filter((number) => received.has(number));
}
