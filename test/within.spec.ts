import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { within } from '../src/within.js';

describe('within', () => {
  beforeEach(() => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
  });

  it('gives what the promise gives, and leaves no timer', async () => {
    expect(await within(1_000, Promise.resolve('in time'), () => 'late')).toBe('in time');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('rejects as the promise does, and leaves no timer', async () => {
    await expect(within(1_000, Promise.reject(new Error('broken')), () => 'late')).rejects.toThrow('broken');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('gives what `late` gives once the time is over, and not before', async () => {
    const late = vi.fn<() => string>(() => 'late');
    const result = within(1_000, forever(), late);

    await vi.advanceTimersByTimeAsync(999);
    expect(late).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);

    expect(await result).toBe('late');
  });

  it('rejects as `late` does', async () => {
    const result = within(1_000, forever(), () => {
      throw new Error('too late');
    });
    const rejection = result.catch((error: Error) => error.message);

    await vi.advanceTimersByTimeAsync(1_000);

    expect(await rejection).toBe('too late');
  });

  it('does not ask `late` when the promise was in time', async () => {
    const late = vi.fn<() => string>(() => 'late');

    await within(1_000, Promise.resolve('in time'), late);
    await vi.advanceTimersByTimeAsync(5_000);

    expect(late).not.toHaveBeenCalled();
  });
});

function forever(): Promise<string> {
  return new Promise(() => {});
}
