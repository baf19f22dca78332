/** A hostile program in the fence: what it sees, what it reaches, and what it can write to. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdir, open, readdir, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FenceUnderTest, type RunOptions, USERS } from './fence-tests.fixture.ts';

describe.each(USERS)('as %s', (user) => {
  let under: FenceUnderTest;
  beforeAll(async () => {
    under = await FenceUnderTest.start(user);
  });
  afterAll(async () => await under.stop());

  const workspace = async (): Promise<string> => await under.newWorkspace();
  const run = async (command: readonly string[], options?: RunOptions) => await under.runAlone(command, options);
  const shell = async (script: string, options?: RunOptions) => await run(['sh', '-c', script], options);
  /** Node.js inside, with words that reach it as arguments. */
  const script = async (text: string, words: readonly string[] = [], options?: RunOptions) =>
    await run(['node', '-e', text, ...words], options);

  test('the fence is there, and trying it left nothing behind', async () => {
    const inside = await workspace();
    expect(under.fence).toMatchObject({
      kind: 'bubblewrap',
      canOverlay: true,
      told: expect.stringContaining('overlay'),
    });
    expect(under.fence.told).not.toContain(under.state);
    expect(await readdir(path.join(under.state, 'work'))).toEqual([path.basename(inside)]);
  });

  test('it sees its own parts of the workspace, tools, and nothing else of the machine', async () => {
    const other = await workspace();
    const secrets = [path.join(under.state, 'node-key'), path.join(other, 'home/secret')];
    for (const file of secrets) {
      await writeFile(file, 'secret');
      await under.own(file);
    }
    const inside = await workspace();
    await mkdir(path.join(inside, 'files'));
    const forbidden = [...secrets, '/etc/shadow', '/etc/hostname', '/root', '/home', '/var/lib', '/sys', '/proc/kcore'];
    forbidden.push(
      under.state,
      inside,
      `/proc/${process.pid}/environ`,
      '/builder/upper',
      '/builder/work',
      '/builder/../state',
    );
    const text = `
      const fs = require('node:fs');
      const open = (file) => { try { fs.closeSync(fs.openSync(file)); return true } catch { return false } };
      console.log(JSON.stringify({
        open: process.argv.slice(1).filter(open),
        root: fs.readdirSync('/').sort(), builder: fs.readdirSync('/builder').sort(), etc: fs.readdirSync('/etc').sort(),
        passwd: fs.readFileSync('/etc/passwd', 'utf8'), cwd: process.cwd(),
      }))`;
    const { ended, stdout, stderr } = await under.run({ workspace: inside, lower: null, hasListener: false }, [
      'node',
      '-e',
      text,
      ...forbidden,
    ]);
    expect({ ended, stderr }).toEqual({ ended: { state: 'exited', exitCode: 0 }, stderr: '' });
    const seen = JSON.parse(stdout);
    expect(seen).toMatchObject({
      open: [],
      builder: ['bin', 'files', 'home', 'tmp', 'tree'],
      passwd: 'builder:x:1000:1000::/builder/home:/bin/sh\n',
      cwd: '/builder/tree',
    });
    const allowed = [
      'bin',
      'builder',
      'dev',
      'etc',
      'lib',
      'lib32',
      'lib64',
      'libx32',
      'opt',
      'proc',
      'run',
      'sbin',
      'tmp',
      'usr',
      'var',
    ];
    expect(allowed).toEqual(expect.arrayContaining(seen.root));
    expect(['alternatives', 'group', 'ld.so.cache', 'passwd']).toEqual(expect.arrayContaining(seen.etc));
  });

  test('no variable of the node is to be found, and the given ones are those of the inside', async () => {
    const inside = await workspace();
    const environment = { PATH: '/usr/bin:/bin:/nowhere', HOME: `${inside}/home`, TMPDIR: `${inside}/tmp`, TZ: 'UTC' };
    const { stdout } = await under.run(
      { workspace: inside, lower: null, hasListener: false },
      ['sh', '-c', 'env | sort; cat /proc/[0-9]*/environ | tr "\\0" "\\n" | grep -c -e SECRET -e "$0"', under.state],
      { environment, nodeEnvironment: { SECRET: 'of the node' } },
    );
    const lines = [
      'HOME=/builder/home',
      'PATH=/usr/bin:/bin:/opt/node/bin',
      'PWD=/builder/tree',
      'TMPDIR=/builder/tmp',
      'TZ=UTC',
    ];
    expect(stdout.trim().split('\n')).toEqual([...lines, '0']);
  });

  test('it has no capability and no way to one, and is alone', async () => {
    const { stdout, stderr } = await shell(`
      id -u; id -g; hostname; umask; ulimit -c
      grep -E '^(Cap[A-Z][a-z]*|NoNewPrivs):' /proc/self/status | tr -d '\\t'
      for way in --user --mount --pid --net; do unshare "$way" true 2>/dev/null && echo "unshare $way"; done
      mount -t tmpfs none /builder/tmp 2>/dev/null && echo mounted
      chroot / true 2>/dev/null && echo chrooted
      echo /proc/[0-9]*
      echo 8 >&8; echo 9 >&9`);
    expect(stdout.trim().split('\n')).toEqual([
      ...['1000', '1000', 'builder', '0022', '0'],
      ...['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map((set) => `${set}:0000000000000000`),
      'NoNewPrivs:1',
      expect.stringMatching(/^\/proc\/1 \/proc\/\d+$/),
    ]);
    expect(stderr).toBe('8\n9\n');
  });

  test('it can write to its parts alone, and to no switch of the kernel', async () => {
    const forbidden = ['/x', '/usr/x', '/etc/x', '/etc/passwd', '/dev/x', '/opt/node/bin/node', '/run/x'];
    // Opened for appending and closed again: were it possible, nothing would be changed.
    forbidden.push('/proc/sys/kernel/core_pattern', '/proc/sys/vm/overcommit_memory', '/proc/irq/default_smp_affinity');
    forbidden.push('/proc/sysrq-trigger', '/builder/x', '/builder/files/x', '/var/x');
    const allowed = [
      '/builder/tree/x',
      '/builder/bin/x',
      '/builder/home/x',
      '/builder/tmp/x',
      '/tmp/x',
      '/dev/shm/x',
      '/dev/null',
    ];
    const text = `
      const fs = require('node:fs');
      const open = (file) => { try { fs.closeSync(fs.openSync(file, 'a')); return true } catch { return false } };
      console.log(JSON.stringify(process.argv.slice(1).filter(open)))`;
    const { stdout } = await script(text, [...forbidden, ...allowed]);
    expect(JSON.parse(stdout)).toEqual(allowed);
  });

  describe('with somebody who listens on the machine', () => {
    let tcp: Server;
    let abstract: Server;
    let udp: UdpSocket;
    const reached: string[] = [];
    const name = `\0fence-test-${process.pid}-${user.length}`;
    beforeAll(async () => {
      tcp = createServer((socket) => {
        reached.push('tcp');
        socket.end();
      }).listen(0, '127.0.0.1');
      abstract = createServer((socket) => {
        reached.push('unix');
        socket.end();
      }).listen(name);
      udp = createSocket('udp4', () => reached.push('udp')).bind(0, '127.0.0.1');
      await Promise.all([once(tcp, 'listening'), once(abstract, 'listening'), once(udp, 'listening')]);
    });
    afterAll(() => {
      tcp.close();
      abstract.close();
      udp.close();
    });

    test('it reaches nobody', async () => {
      const ports = [(tcp.address() as { port: number }).port, udp.address().port];
      const text = `
        const [tcp, udp, name] = process.argv.slice(1);
        const net = require('node:net'), dgram = require('node:dgram');
        let left = 5;
        const say = (...words) => { console.log(...words); if (--left === 0) process.exit() };
        const socket = dgram.createSocket('udp4').on('error', () => {});
        for (const [port, host] of [[Number(udp), '127.0.0.1'], [53, '9.9.9.9']])
          socket.send(Buffer.from('x'), port, host, (error) => say(host, error?.code ?? 'sent'));
        for (const target of [{ port: Number(tcp), host: '127.0.0.1' }, { port: 80, host: '9.9.9.9' }, { path: '\\0' + name }])
          net.connect(target, () => say('connected')).on('error', (error) => say(error.code));`;
      const { stdout } = await script(text, [...ports.map(String), name.slice(1)]);
      // To its own loopback a datagram can be sent; nobody is there.
      expect(stdout.trim().split('\n').sort()).toEqual([
        '127.0.0.1 sent',
        '9.9.9.9 ENETUNREACH',
        'ECONNREFUSED',
        'ECONNREFUSED',
        'ENETUNREACH',
      ]);
      expect(reached).toEqual([]);
    });
  });

  test('of the descriptors of the node none is open inside but those of the build', async () => {
    const secret = path.join(under.state, 'secret-file');
    await writeFile(secret, '');
    const file = await open(secret);
    try {
      const text = `
        const fs = require('node:fs');
        const to = (fd) => { try { return fs.readlinkSync('/proc/' + process.ppid + '/fd/' + fd) } catch { return '' } };
        console.log(JSON.stringify(Object.fromEntries(fs.readdirSync('/proc/' + process.ppid + '/fd').map((fd) => [fd, to(fd)]))))`;
      const { stdout } = await run(['sh', '-c', 'node -e "$0"; :', text], { stray: file.fd });
      const { 1: out, 2: error, 8: eight, 9: nine, ...others } = JSON.parse(stdout) as Record<string, string>;
      expect(out).toMatch(/pipes-\w+\/\d+ \(deleted\)$/);
      expect(error).toMatch(/pipes-\w+\/\d+ \(deleted\)$/);
      expect([eight, nine, error === out]).toEqual([error, error, false]);
      expect([...new Set(Object.values(others))]).toEqual(['/dev/null']);
    } finally {
      await file.close();
    }
  });
});
