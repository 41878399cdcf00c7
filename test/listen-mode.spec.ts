import { describe, expect, it } from 'vitest';
import { ListenModeError } from '../src/errors.js';
import { chooseListenMode } from '../src/listen-mode.js';

const able = ['22.12.0', '22.23.1', '23.1.0', '23.11.1', '24.0.0', '26.3.0', '100.0.0', '24.0.0-rc.1'];
const unable = ['20.19.0', '20.20.2', '21.99.0', '22.9.0', '22.11.9', '23.0.0'];

describe('chooseListenMode', () => {
  it.each(able)('lets the workers of Node %s accept by themselves, unless told otherwise', (version) => {
    expect(chooseListenMode('auto', version, 'linux')).toBe('reuse-port');
    expect(chooseListenMode('reuse-port', version, 'linux')).toBe('reuse-port');
    expect(chooseListenMode('round-robin', version, 'linux')).toBe('round-robin');
  });

  it.each([...unable.map((version) => [version, 'linux']), ['24.0.0', 'darwin'], ['24.0.0', 'win32']])(
    'lets the primary of Node %s on %s accept, and refuses to be told otherwise',
    (version, platform) => {
      expect(chooseListenMode('auto', version, platform)).toBe('round-robin');
      expect(chooseListenMode('round-robin', version, platform)).toBe('round-robin');
      expect(() => chooseListenMode('reuse-port', version, platform)).toThrow(ListenModeError);
    },
  );

  it('says what is needed, what there is, and what to do', () => {
    expect(() => chooseListenMode('reuse-port', '20.20.2', 'linux')).toThrow(
      'LISTEN=reuse-port needs Node 22.12, 23.1 or newer on Linux, got Node 20.20.2 on linux: ' +
        'update Node, or set LISTEN to "auto" or "round-robin".',
    );
  });
});
