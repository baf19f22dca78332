/**
 * The one way out of a sandbox: a socket that listens on the sandbox's own loopback, made in there and handed to the node,
 * whose package proxy then takes the connections itself. Nobody stands between them and copies, and nothing of ours runs
 * beside the build that it could end.
 *
 * What makes it is some lines of Perl (each Debian has it, and each ImageBuilder wants it), for Node.js takes ten times as
 * long to start. They run before anything of the build does, and turn into the build's command. The socket goes the way that
 * Node.js has for a child's (`net.Server` over the channel of `child_process`); the channel is closed before the command begins.
 */
import type { ChildProcess } from 'node:child_process';
import { Server } from 'node:net';

export const PROXY_PORT = 8000;

/** The channel's number in the child. 3 is the fence's own, 4 and 5 bubblewrap's, 8 and 9 the build's. */
export const CHANNEL = 6;

/** What Node.js puts into the child's environment for a channel; no Node.js of the build's must see them. */
export const CHANNEL_VARIABLES = ['NODE_CHANNEL_FD', 'NODE_CHANNEL_SERIALIZATION_MODE'] as const;

/** Of sendmsg(2), since Perl alone has no word for it. */
const SENDMSG: Partial<Record<NodeJS.Architecture, number>> = { x64: 46, arm64: 211, riscv64: 211 };

export const knowsListener = (architecture: NodeJS.Architecture): boolean => SENDMSG[architecture] !== undefined;

/** socket(7), unix(7) and cmsg(3): a message of one line, and beside it the descriptor. */
const TEXT = String.raw`
my ($port, $channel, $sendmsg) = splice @ARGV, 0, 3;
sub fail { print STDERR "fence: $_[0]: $!\n"; exit 127 }
socket my $listener, 2, 1, 0 or fail "cannot make a socket";
bind $listener, pack "S n C4 x8", 2, $port, 127, 0, 0, 1 or fail "cannot have port $port";
listen $listener, 128 or fail "cannot listen";
my $line = qq({"cmd":"NODE_HANDLE","type":"net.Server","msg":"listener"}\n);
my $vector = pack "P Q", $line, length $line;
my $control = pack "Q i i i x4", 20, 1, 1, fileno $listener;
my $message = pack "x16 P Q P Q x8", $vector, 1, $control, length $control;
syscall($sendmsg + 0, $channel + 0, $message, 0) == length $line or fail "cannot hand the socket on";
close $listener;
open my $closing, "+<&=", $channel or fail "cannot close the channel";
close $closing;
exec { $ARGV[0] } @ARGV or fail "cannot start $ARGV[0]";
`;

/** Words to put before a command of the sandbox's. */
export const listening = (perl: string): string[] => [
  ...[perl, '-e', TEXT, '--'],
  ...[PROXY_PORT, CHANNEL, SENDMSG[process.arch] ?? 0].map(String),
];

/** `take` is called once, or never where the sandbox did not come up. */
export function onListener(child: ChildProcess, take: (listener: Server) => void): void {
  child.on('message', (_, listener) => {
    if (listener instanceof Server) take(listener);
  });
}
