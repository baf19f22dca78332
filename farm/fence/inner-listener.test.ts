/** The one way out of the sandbox: a listener of its own, at which the node answers. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FenceUnderTest, USERS } from './fence-tests.fixture.ts';

describe.each(USERS)('as %s', (user) => {
  let under: FenceUnderTest;
  beforeAll(async () => {
    under = await FenceUnderTest.start(user);
  });
  afterAll(async () => await under.stop());

  const run = async (command: readonly string[]) => {
    const workspace = await under.newWorkspace();
    return await under.run({ workspace, lower: null, hasListener: true }, command);
  };

  test('requests reach the node, large answers come back whole, a broken one is seen as broken', async () => {
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
    expect(stdout).toBe('GET /a\nPOST /b sent\n20000000\nbroken\ntrue\nGET /after\n');
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
  ])('a command that does "%s" is told as without a listener', async (text, ended) => {
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

  test('nothing of the way there is left: no descriptor, no variable, no process', async () => {
    const text = 'ls -l /proc/self/fd | grep -c socket; env | cut -d= -f1 | grep -c NODE; set -- /proc/[0-9]*; echo $#';
    const { stdout } = await run(['sh', '-c', text]);
    // Bubblewrap's own and the shell: of a pipe's two ends nobody knows which is there first.
    expect(stdout).toBe('0\n0\n2\n');
    const environment = await run(['sh', '-c', 'tr "\\0" "\\n" </proc/1/environ | grep -c NODE']);
    expect(environment.stdout).toBe('0\n');
  });

  test('what connects and never asks is gone with the sandbox', async () => {
    const text = `
      for (let at = 0; at < 300; at++) require('node:net').connect(8000, '127.0.0.1').on('error', () => {});
      setTimeout(() => process.exit(5), 300);`;
    expect((await run(['node', '-e', text])).ended).toEqual({ state: 'exited', exitCode: 5 });
  });

  test('a command that is not there is told as such', async () => {
    const { ended, stderr } = await run(['/nonexistent']);
    expect(ended).toEqual({ state: 'exited', exitCode: 127 });
    expect(stderr).toBe('fence: cannot start /nonexistent: No such file or directory\n');
  });
});
