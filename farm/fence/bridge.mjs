/**
 * Runs inside the fence, where there is no network: listens on the sandbox's own loopback, hands every connection to the
 * node's proxy through its unix socket, and starts the command. Its exit status is the command's, or 128 and the signal that
 * killed it. Plain JavaScript without imports of ours: this file alone is what the sandbox sees of the node.
 *
 *     node bridge.mjs <port> <socket> <command> [argument…]
 */
import { spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { constants } from 'node:os';

const [port, socket, command, ...args] = process.argv.slice(2);

/** The sandbox may open connections without end; each takes two descriptors here. */
const MAX_CONNECTIONS = 256;

// Half-open: who has said all that it wants to say still waits for the answer.
const server = createServer({ allowHalfOpen: true }, (inside) => {
  const outside = connect({ path: socket, allowHalfOpen: true });
  for (const [one, other] of [
    [inside, outside],
    [outside, inside],
  ]) {
    one.pipe(other);
    one.on('error', () => other.destroy());
    one.on('close', () => other.destroy());
  }
});
server.maxConnections = MAX_CONNECTIONS;
server.on('error', (error) => fail(`cannot listen: ${error.message}`));

server.listen(Number(port), '127.0.0.1', () => {
  // 8 and 9 are stderr's, see run-process.ts; what Node.js itself opened in between stays here.
  const stdio = [0, 1, 2, 'ignore', 'ignore', 'ignore', 'ignore', 'ignore', 8, 9];
  const child = spawn(command, args, { stdio });
  child.on('error', (error) => fail(`cannot start ${command}: ${error.message}`));
  // Nothing waits for what it left behind: the sandbox ends with this process.
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
});

/** @param {string} reason */
function fail(reason) {
  console.error(`bridge: ${reason}`);
  process.exit(127);
}
