import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import { temporaryFolder } from './temporary-folder.js';

/** Prints a line for each datagram, its lines joined by spaces. Node itself has no unix datagrams; every Debian has Perl. */
const receiver = `
  $| = 1;
  my $socket = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $ARGV[0]) or die $!;
  print "listening\\n";
  while (defined $socket->recv(my $datagram, 4096)) { $datagram =~ s/\\n/ /g; print "$datagram\\n" }
`;

/** The end that systemd has of its notification socket. It ends with the test. */
export interface NotifySocket {
  readonly path: string;
  /** The next notification. */
  next(): Promise<string>;
}

export async function openNotifySocket(): Promise<NotifySocket> {
  const path = `${temporaryFolder()}/notify`;
  const perl = spawn('perl', ['-MIO::Socket::UNIX', '-e', receiver, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(perl, 'exit');
  onTestFinished(async () => {
    perl.kill();
    await exited;
  });
  const lines = createInterface({ input: perl.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const { value, done } = await lines.next();
    if (done) throw new Error('The receiver has ended.');
    // How `systemd-notify` learns that it was heard.
    return value === 'BARRIER=1' ? next() : value.trim();
  };
  await next();
  return { path, next };
}
