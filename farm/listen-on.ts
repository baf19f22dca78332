/**
 * Has a server listen where its owner said. What is in the way is told in a sentence, and whether it may pass: a port that the process
 * before this one still has is no wrong setting, and a node that took it for one would stay away until somebody looks.
 */
import type { Server } from 'node:net';
import type { ListenAddress } from './cli/listen-address.ts';

/** An address that cannot be listened on, with a sentence. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  /** Somebody else has it, it is not there yet, or the machine is short of something. */
  readonly passes: boolean;

  constructor(message: string, passes: boolean, options?: ErrorOptions) {
    super(message, options);
    this.passes = passes;
  }
}

const PASSING: readonly unknown[] = [
  'EADDRINUSE',
  // Of a tunnel or a network that comes up after the node.
  'EADDRNOTAVAIL',
  'EAI_AGAIN',
  'EMFILE',
  'ENFILE',
  'ENOBUFS',
  'ENOMEM',
];

/** `what`: the beginning of the sentence, with its flag. @throws ListenError */
export const listenOn = (server: Server, { host, port }: ListenAddress, what: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const sentence = `${what} on ${host}:${port} (${error.code})`;
      reject(new ListenError(sentence, PASSING.includes(error.code), { cause: error }));
    });
    server.listen(port, host, () => {
      // From here on: a machine that is short of something may refuse a connection, and no build must end for it.
      server.on('error', () => {});
      resolve();
    });
  });
