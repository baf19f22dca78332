/** `asu build` as a process, with a server that behaves; build-weather.test.ts has those that do not. */
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SERVER_VERSION } from '../../shared/server-version.ts';
import { asu, type Ended, inProcess } from './asu-process.fixture.ts';
import { buildCommand } from './build-command.ts';
import { BuildScene, until, WHAT } from './build-scene.fixture.ts';
import { type BuildServer, HASH, IMAGE, json, sha256, started } from './build-server.fixture.ts';

let scene: BuildScene;
let server: BuildServer;
beforeEach(async () => {
  scene = await BuildScene.start();
  ({ server } = scene);
});
afterEach(() => scene.close());

const stream = (response: ServerResponse, ...events: readonly string[]) => {
  if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(events.join(''));
};
const event = (name: string, id: string, data: unknown) =>
  `event: ${name}\nid: ${id}\ndata: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;

describe('a build', () => {
  test('is asked for, waited for, fetched and checked; its path alone is on stdout', async () => {
    server.instead('poll', (response, _, nth) => (nth < 2 ? json(response, 202, started('building_image')) : false));
    const ended = await scene.build('--package', 'luci', '--package', '-ppp', '--packages', 'nano  -odhcp6c');
    expect(ended).toMatchObject({ status: 0, stdout: `${path.join(scene.out, IMAGE)}\n` });
    await scene.expectImage();
    const lines = ended.stderr.split('\n');
    expect(lines).toContain('in the queue, 2 before it  about 40 s left');
    expect(lines).toContain('building image  about 20 s left');
    expect(ended.stderr).toContain('signature not checked, for there is no --key');
    expect(ended.stderr).not.toContain('\x1b');
    expect(JSON.parse(server.asked[0]?.body ?? '')).toEqual({
      version: '24.10.2',
      target: 'x86/64',
      profile: 'generic',
      packages: ['luci', '-ppp', 'nano', '-odhcp6c'],
      client: `asu/${SERVER_VERSION}`,
    });
  });

  test('whose every word is said is asked for in those words', async () => {
    const defaults = await scene.fileOf('defaults', 'echo hunter2\n');
    const packages = await scene.fileOf('packages', 'luci # the pages\n\n-ppp nano\n');
    const ended = await scene.build(
      ...['--packages-file', packages, '--diff-packages', '--filesystem', 'ext4', '--rootfs-size-mb', '300'],
      ...['--defaults', defaults, '--repository', 'mine=https://feeds.example/x', '--repositories-mode', 'replace'],
      ...['--repository-key', await scene.fileOf('feed.pub', server.key.publicKey), '--version-code', 'r1-abc'],
      ...['--distro', 'openwrt', '--image', 'none', '--json'],
    );
    expect(ended.status).toBe(0);
    expect(JSON.parse(server.asked[0]?.body ?? '')).toMatchObject({
      packages: ['luci', '-ppp', 'nano'],
      diff_packages: true,
      filesystem: 'ext4',
      rootfs_size_mb: 300,
      defaults: 'echo hunter2\n',
      repositories: { mine: 'https://feeds.example/x' },
      repositories_mode: 'replace',
      repository_keys: [server.key.publicKey],
      version_code: 'r1-abc',
    });
    expect(ended.stdout + ended.stderr).not.toContain('hunter2');
  });

  test('is listened to where there is a stream, with its log on demand, and then nothing is polled', async () => {
    server.instead('events', (response) => {
      stream(response, event('state', 'start', started('init')), event('log', 'a.1', 'Building images...\x1b]0;x\x07'));
      stream(response, event('restart', 'b.0', {}), event('log', 'b.1', 'one\ndata: two\u202e'));
      response.end(event('done', 'end', server.done()));
    });
    const ended = await scene.build('--log');
    expect(ended.status).toBe(0);
    const log = [
      'Building images...]0;x',
      '--- the build is done again from its beginning, by another machine ---',
      'one',
      'two',
    ];
    expect(ended.stderr.split('\n').filter((line) => log.includes(line))).toEqual(log);
    expect(server.lines('GET /api/v1/build').filter((line) => !line.endsWith('/events'))).toEqual([]);
    await scene.expectImage();
  });

  test('whose stream breaks is listened to from where it was', async () => {
    server.instead('events', async (response, { headers }, nth) => {
      if (nth === 1) {
        stream(response, event('log', 'a.1', 'first'));
        // What is not read yet is lost with the line.
        await until(() => one.stderr().includes('first\n'));
        response.destroy();
        return;
      }
      stream(response, event('log', 'a.2', `then ${headers['last-event-id']}`), event('done', 'end', server.done()));
      response.end();
    });
    server.instead('poll', (response) => json(response, 202, started('init')));
    const one = scene.start(...WHAT, '--log');
    const ended = await one.ended;
    expect(ended.status).toBe(0);
    expect(ended.stderr.match(/^first$|^then .*$/gm)).toEqual(['first', 'then a.1']);
  });

  test('is polled where there is no stream, which is said where the log was wanted', async () => {
    server.instead('events', (response) => json(response, 503, { status: 503, detail: 'Too many clients listen' }));
    server.instead('poll', (response, _, nth) => (nth < 3 ? json(response, 202, started('building_image')) : false));
    const ended = await scene.build('--log');
    expect([ended.status, server.lines('GET /api/v1/build').length]).toEqual([0, 4]);
    expect(ended.stderr.match(/the server does not tell the log now/g)).toHaveLength(1);
  });

  test('that fails while it is listened to is told with the end of its log', async () => {
    const failed = { detail: 'Error: Selected packages exceed device storage', stderr: 'a\n\x1b[31mtoo big\n' };
    server.instead('events', (response) => {
      stream(response, event('failed', 'end', { ...failed, imagebuilder_status: 'failed' }));
      response.end();
    });
    const ended = await scene.build();
    expect([ended.status, ended.stdout]).toEqual([3, '']);
    expect(ended.stderr).toMatch(/\na\n\\x1b\[31mtoo big\nError: Selected packages exceed device storage\n$/);
  });

  test('that the server has forgotten is asked for again', async () => {
    server.instead('poll', (response, _, nth) =>
      nth === 1 ? json(response, 404, { status: 404, detail: 'could not find provided request hash' }) : false,
    );
    expect((await scene.build()).status).toBe(0);
    expect(server.lines('POST')).toHaveLength(2);
  });

  test('is only asked for with --no-wait, and goes on by its hash', async () => {
    expect(await scene.build('--no-wait')).toEqual({ status: 0, stdout: `${HASH}\n`, stderr: 'it is asked for\n' });
    const asJson = await scene.build('--no-wait', '--json');
    expect(JSON.parse(asJson.stdout)).toEqual({
      request_hash: HASH,
      state: 'queued',
      queue_position: 2,
      eta_seconds: 40,
    });
    expect(server.lines('GET')).toEqual([]);
    expect((await asu(scene.words('--resume', HASH))).status).toBe(0);
    expect(server.lines('POST')).toHaveLength(2);
    await scene.expectImage();
  });

  test('that is stopped by Ctrl-C says how to go on, and goes on', async () => {
    server.instead('poll', (response) => json(response, 202, started('building_image')));
    const one = scene.start(...WHAT, '--image', 'all');
    await until(() => one.stderr().includes('building image'));
    one.process.kill('SIGINT');
    const ended = await one.ended;
    expect([ended.status, ended.stdout]).toEqual([130, '']);
    const command = /To go on: asu (.*)\n$/.exec(ended.stderr)?.[1] ?? '';
    expect(command).toBe(`build --server ${server.url} --output ${scene.out} --image all --resume ${HASH}`);
    server.instead('poll', () => false);
    expect((await asu(command.split(' '))).status).toBe(0);
    await scene.expectImage();
  });

  test('is data with --json', async () => {
    const ended = await scene.build('--json');
    expect(JSON.parse(ended.stdout)).toMatchObject({
      request_hash: HASH,
      profile: 'generic',
      manifest: { luci: '25.1' },
      images: [{ name: IMAGE, url: `${server.url}/store/${HASH}/${IMAGE}` }],
      signed_by: null,
      files: [{ name: IMAGE, path: path.join(scene.out, IMAGE), sha256: sha256(server.image), is_new: true }],
    });
  });
});

describe('on a terminal', () => {
  test('a build is one line that lives, and what stays stands above it', async () => {
    const ended = await inProcess(buildCommand, scene.words(...WHAT).slice(1), { isTTY: true });
    expect(ended.status).toBe(0);
    expect(ended.stderr).toContain('\r\x1b[2Kin the queue, 2 before it  about 40 s left');
    expect(ended.stderr).toMatch(/\r\x1b\[2K[\w.-]+ {2}\[#{20}\] {2}100 % {2}293 KiB of 293 KiB/);
    expect(ended.stderr.match(/\n/g)).toHaveLength(3);
    expect(ended.stdout).toBe(`${path.join(scene.out, IMAGE)}\n`);
  });
});

describe('files', () => {
  test('that are there and right are not fetched again; one that is wrong is replaced', async () => {
    await scene.build();
    const again = await scene.build();
    expect([again.status, server.lines('GET /store')]).toEqual([0, [`GET /store/${HASH}/${IMAGE}`]]);
    expect(again.stderr).toContain('there already');
    await writeFile(path.join(scene.out, IMAGE), Buffer.alloc(server.image.length));
    expect((await scene.build()).status).toBe(0);
    await scene.expectImage();
  });

  test('that broke off go on where they were, and appear when they are whole', async () => {
    server.instead('store', (response, asked, nth) => {
      if (nth > 1) return false;
      expect(asked.headers.range).toBeUndefined();
      response.writeHead(200, { 'content-length': server.image.length });
      response.write(server.image.subarray(0, 100_000), async () => {
        // What is not written yet is lost with the line.
        while ((await scene.partBytes()) < 100_000) await sleep(20);
        response.destroy();
      });
      return undefined;
    });
    expect((await scene.build()).status).toBe(0);
    const [, second] = server.asked.filter(({ line }) => line.startsWith('GET /store'));
    expect(second?.headers).toMatchObject({ range: 'bytes=100000-', 'if-range': `"${sha256(server.image)}"` });
    await scene.expectImage();
  });

  test('of another run go on, and those that are not what they look like are fetched whole', async () => {
    await mkdir(scene.out);
    await writeFile(path.join(scene.out, scene.partName()), server.image.subarray(0, 200_000));
    expect((await scene.build()).status).toBe(0);
    expect(server.asked.at(-1)?.headers.range).toBe('bytes=200000-');
    await rm(path.join(scene.out, IMAGE));
    await writeFile(path.join(scene.out, scene.partName()), Buffer.alloc(200_000));
    expect((await scene.build()).status).toBe(0);
    expect(server.asked.at(-1)?.headers.range).toBeUndefined();
    await scene.expectImage();
  });

  test('a link in the place of a part is not followed', async () => {
    const victim = await scene.fileOf('victim', 'precious');
    await mkdir(scene.out);
    await symlink(victim, path.join(scene.out, scene.partName()));
    const ended = await scene.buildHere();
    expect([ended.status, ended.stderr.includes('(ELOOP)')]).toEqual([1, true]);
    expect(await readFile(victim, 'utf8')).toBe('precious');
  });

  test('the slower of two who fetch it finds what the faster has brought', async () => {
    const faster: Ended[] = [];
    server.instead('store', (response, _, nth) => {
      if (nth > 1) return false;
      response.writeHead(200, { 'content-length': server.image.length });
      response.write(server.image.subarray(0, 100_000), async () => {
        while (!(await scene.there()).includes(scene.partName())) await sleep(20);
        faster.push(await scene.build());
        response.end(server.image.subarray(100_000));
      });
      return undefined;
    });
    const slower = await scene.build();
    expect([slower.status, slower.stderr]).toEqual([0, expect.stringContaining('there already')]);
    expect(faster).toMatchObject([{ status: 0 }]);
    await scene.expectImage();
  });

  test('two at once end with the right file', async () => {
    const both = await Promise.all([scene.build(), scene.build()]);
    expect(both.map(({ status }) => status)).toEqual([0, 0]);
    await scene.expectImage();
  });

  describe('for which there is no room', () => {
    const small = (bytes: number) => ['bwrap', '--dev-bind', '/', '/', '--size', String(bytes), '--tmpfs', '/mnt'];
    const intoSmall = ['build', '--output', '/mnt', ...WHAT];

    test('are not begun', async () => {
      const environment = { ASU_SERVER: server.url };
      const ended = await asu(intoSmall, { wrapper: small(128 * 1024), environment });
      expect([ended.status, ended.stdout, server.lines('GET /store')]).toEqual([1, '', []]);
      expect(ended.stderr).toMatch(/^there is no room for .*: it needs 293 KiB, and 128 KiB are free$/m);
    });

    test('since the disk fills meanwhile, keep what came, and that is a sentence', async () => {
      const fill = 'until [ -e "$0/go" ]; do sleep 0.05; done; cat /dev/zero >/mnt/full 2>/dev/null; : >"$0/filled"';
      const script = `(${fill}) & exec "$@"`;
      const wrapper = [...small(512 * 1024), 'sh', '-c', script, scene.directory];
      server.instead('store', (response) => {
        response.writeHead(200, { 'content-length': server.image.length });
        response.write(server.image.subarray(0, 100_000), async () => {
          await writeFile(path.join(scene.directory, 'go'), '');
          while (!(await readdir(scene.directory)).includes('filled')) await sleep(20);
          response.end(server.image.subarray(100_000));
        });
      });
      const ended = await asu(intoSmall, { wrapper, environment: { ASU_SERVER: server.url } });
      expect([ended.status, ended.stdout]).toEqual([1, '']);
      expect(ended.stderr).toMatch(/^there is no room for .* in \/mnt; what came so far is kept in \/mnt\/.*\.part, /m);
      expect(ended.stderr).not.toContain('    at ');
    });
  });

  test('a scene.directory that cannot be made is a sentence', async () => {
    const file = await scene.fileOf('file', '');
    const ended = await scene.buildHere('--output', path.join(file, 'x'));
    expect(ended.status).toBe(1);
    expect(ended.stderr).toMatch(/cannot be written to .* \(ENOTDIR\)/);
  });

  test.each([
    [[], ['a-sysupgrade.bin']],
    [['--image', 'factory'], ['a-factory.bin']],
    [
      ['--image', 'all'],
      ['a-factory.bin', 'a-sysupgrade.bin'],
    ],
    [['--image', 'none'], []],
  ])('%j fetches %j', async (choice, names) => {
    const images = ['factory', 'sysupgrade'].map((type) => server.imageOf({ type, name: `a-${type}.bin` }));
    server.instead('poll', (response) => json(response, 200, server.done({ images })));
    const ended = await scene.buildHere(...choice);
    expect([ended.status, (await scene.there()).sort()]).toEqual([0, names]);
    if (choice[1] === 'none')
      expect(ended.stdout).toBe(
        `${server.url}/store/${HASH}/a-factory.bin\n${server.url}/store/${HASH}/a-sysupgrade.bin\n`,
      );
  });

  test('of a type that there is not are told with those that there are', async () => {
    const ended = await scene.buildHere('--image', 'factory');
    expect(ended.status).toBe(2);
    expect(ended.stderr).toContain(
      '--image: expected all, none or one of sysupgrade, got "factory"; the build is not lost: asu build',
    );
  });
});

describe('wrong words end with 2 and one sentence:', () => {
  const NONE = '--server http://127.0.0.1:9';
  test.each<[string, RegExp]>([
    ['', /^--server: expected the URL of a server \(or ASU_SERVER\)/],
    ['--server ftp://x', /^--server: expected an http or https URL, got "ftp:\/\/x"/],
    [NONE, /^--version: expected one, such as 24\.10\.2, got nothing/],
    [`${NONE} --version 1 --target x86 --profile p`, /^--target: expected target\/subtarget, got "x86"/],
    [`${NONE} ${WHAT.join(' ')} --package x/y`, /^--package: expected a package name: .*, got "x\/y"/],
    [`${NONE} ${WHAT.join(' ')} --filesystem zfs`, /^--filesystem: expected one of squashfs, .*, got "zfs"/],
    [`${NONE} ${WHAT.join(' ')} --rootfs-size-mb big`, /^--rootfs-size-mb: expected a whole number/],
    [`${NONE} ${WHAT.join(' ')} --repository x`, /^--repository: expected NAME=URL, got "x"/],
    [`${NONE} ${WHAT.join(' ')} --repository x=ftp:y`, /^--repository: expected an http or https URL, got "ftp:y"/],
    [`${NONE} ${WHAT.join(' ')} --defaults /no/such`, /^--defaults: \/no\/such cannot be read \(ENOENT\)/],
    [`${NONE} ${WHAT.join(' ')} --key /no/such`, /^--key: \/no\/such cannot be read \(ENOENT\)/],
    [`${NONE} --resume abc`, /^--resume: expected 64 hex digits, got "abc"/],
    [
      `${NONE} --resume ${HASH} --version 1`,
      /^--resume goes on with what was asked for before, so it takes no --version/,
    ],
    [`${NONE} --frob`, /^there is no flag --frob/],
  ])('asu build %s', async (line, sentence) => {
    const ended = await inProcess(buildCommand, line.split(' ').filter(Boolean));
    expect([ended.status, ended.stdout]).toEqual([2, '']);
    expect(ended.stderr).toMatch(sentence);
    expect(ended.stderr.trim()).not.toContain('\n');
  });
});
