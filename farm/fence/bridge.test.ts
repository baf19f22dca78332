/** The one way out of the sandbox: its loopback, bridged to the unix socket that it was given. */

import { chmod } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FenceUnderTest, USERS } from './fence-tests.fixture.ts';

describe.each(USERS)('as %s', (user) => {
  let under: FenceUnderTest;
  let server: Server;
  let proxySocket: string;
  const bodies: string[] = [];
  beforeAll(async () => {
    under = await FenceUnderTest.start(user);
    proxySocket = path.join(under.state, 'door.sock');
    server = createServer(async (request, response) => {
      bodies.push(await bodyOf(request));
      if (request.url === '/large') response.end(Buffer.alloc(20_000_000, 'x'));
      else if (request.url === '/broken') response.destroy();
      else response.end(`${request.method} ${request.url}`);
    });
    await new Promise<void>((resolve) => server.listen(proxySocket, resolve));
    await under.own(proxySocket);
    await chmod(proxySocket, 0o600);
  });
  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await under.stop();
  });

  const run = async (command: readonly string[]) => {
    const workspace = await under.newWorkspace();
    return await under.run({ workspace, lower: null, proxySocket }, command);
  };

  test('requests reach the socket, large answers come back whole, a broken one is seen as broken', async () => {
    const text = `
      const url = 'http://127.0.0.1:8000';
      const text = async (path, init) => (await fetch(url + path, init)).text().catch((error) => error.message);
      console.log(await text('/a'));
      console.log(await text('/b', { method: 'POST', body: 'sent' }));
      console.log((await text('/large')).length);
      console.log(await fetch(url + '/broken').then(() => 'answered', () => 'broken'));
      console.log((await Promise.all(Array.from({ length: 400 }, () => fetch(url + '/many').then((r) => r.text(), () => 'refused')))).every((t) => t === 'GET /many' || t === 'refused'));
      console.log(await text('/after'));`;
    const { ended, stdout, stderr } = await run(['node', '--input-type=module', '-e', text]);
    expect({ ended, stderr }).toEqual({ ended: { state: 'exited', exitCode: 0 }, stderr: '' });
    expect(stdout).toBe('GET /a\nPOST /b\n20000000\nbroken\ntrue\nGET /after\n');
    expect(bodies).toContain('sent');
  });

  test('who ends its half of a connection still gets the answer', async () => {
    const text = `
      const socket = require('node:net').connect({ port: 8000, host: '127.0.0.1', allowHalfOpen: true });
      socket.end('GET /half HTTP/1.0\\r\\n\\r\\n');
      socket.on('data', (chunk) => process.stdout.write(chunk));`;
    const { stdout } = await run(['node', '-e', text]);
    expect(stdout).toMatch(/GET \/half$/);
  });

  test.each([
    ['exit 7', { state: 'exited', exitCode: 7 }],
    ['kill -15 $$', { state: 'signalled', signal: 'SIGTERM' }],
  ])('a command that does "%s" is told as without the bridge', async (text, ended) => {
    expect((await run(['sh', '-c', text])).ended).toEqual(ended);
  });

  test('the command has the streams of the build and its arguments as they are', async () => {
    const text = 'echo "$0" "$1"; echo eight >&8; echo nine >&9; umask; echo device >/dev/stderr';
    const { stdout, stderr } = await run(['sh', '-c', text, '--eval=$(touch x)', "a b'c"]);
    expect({ stdout, stderr }).toEqual({
      stdout: "--eval=$(touch x) a b'c\n0022\n",
      stderr: 'eight\nnine\ndevice\n',
    });
  });

  test('the socket is all that it sees of where it lies', async () => {
    const { stdout } = await run([
      'sh',
      '-c',
      'ls /run; ls /run/proxy.sock/.. 2>/dev/null; rm -f /run/proxy.sock 2>/dev/null; ls /run',
    ]);
    expect(stdout).toBe('bridge.mjs\nproxy.sock\nbridge.mjs\nproxy.sock\n');
  });
});

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) body += chunk;
  return body;
}
