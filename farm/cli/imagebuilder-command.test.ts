/** `asu imagebuilder` with the demo mirror: real downloads, real trees, a real lock. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { generateMirror } from '../demo/generate-mirror.ts';
import { type MirrorServer, serveMirror } from '../demo/mirror-server.ts';
import { lockState } from '../disk/state-lock.ts';
import { UsageError } from './flags.ts';
import { imageBuilderCommand } from './imagebuilder-command.ts';
import { terminalOf } from './terminal.ts';

let root: string;
let mirror: MirrorServer;
let keyFile: string;
/** The ImageBuilder of 24.10.2 demo/generic, as it lies on the mirror. */
let archive: { readonly bytes: Buffer; readonly sha256: string };
let state: string;

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'asu-imagebuilder-'));
  const { publicKey, releases } = await generateMirror({ directory: path.join(root, 'mirror') });
  const target = releases
    .find(({ version }) => version === '24.10.2')
    ?.targets.find((row) => row.target === 'demo/generic');
  const bytes = await readFile(path.join(root, 'mirror', target?.imageBuilder ?? ''));
  archive = { bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
  mirror = await serveMirror(path.join(root, 'mirror'));
  keyFile = path.join(root, 'demo.pub');
  await writeFile(keyFile, publicKey);
});
afterAll(async () => {
  await mirror.close();
  await rm(root, { recursive: true, force: true, maxRetries: 5 });
});
beforeEach(async () => {
  mirror.setFault(undefined);
  state = await mkdtemp(path.join(root, 'state-'));
});

interface Done {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function stream(isTTY: boolean) {
  let text = '';
  const writable = new Writable({
    write(chunk, _encoding, done) {
      text += chunk;
      done();
    },
  });
  return {
    stream: Object.assign(writable, { isTTY, columns: 200 }) as unknown as NodeJS.WriteStream,
    text: () => text,
  };
}

async function asu(
  args: readonly string[],
  { isTTY = false, signal = new AbortController().signal } = {},
): Promise<Done> {
  const [out, err] = [stream(isTTY), stream(isTTY)];
  const terminal = terminalOf(out.stream, err.stream, {});
  const environment = { ASU_NODE_STATE: state, ASU_NODE_UPSTREAM_KEYS: keyFile };
  const code = await imageBuilderCommand(args, { terminal, environment, signal });
  return { code, out: out.text(), err: err.text() };
}

const fetchOf = (version: string, target: string) => ['fetch', version, target, '--upstream', mirror.url];

async function listed(): Promise<
  { sha256: string; version: string; target: string; signedBy: string; inUse: unknown }[]
> {
  return JSON.parse((await asu(['list', '--json'])).out);
}

describe('fetch', () => {
  test('puts one onto the shelf, tells it by lines, and does nothing the second time', async () => {
    const { code, out } = await asu(fetchOf('24.10.2', 'demo/generic'));
    expect(code).toBe(0);
    expect(out).toMatch(/^24\.10\.2 demo\/generic {2}asking 127\.0\.0\.1:\d+\n/);
    expect(out).toMatch(/\[#{20}\] {2}100 % {2}.* of /);
    expect(out).toMatch(/\n24\.10\.2 demo\/generic {2}unpacking\n/);
    expect(out).toMatch(/\n24\.10\.2 demo\/generic {2}[0-9a-f]{12} is there, signed by [0-9a-f]{16}\n$/);
    expect(out).not.toContain('\x1b');
    expect(await listed()).toMatchObject([{ version: '24.10.2', target: 'demo/generic', inUse: false }]);
    mirror.forgetRequests();
    const again = await asu(fetchOf('24.10.2', 'demo/generic'));
    expect(again.code).toBe(0);
    expect(mirror.requests().filter((request) => request.includes('imagebuilder'))).toEqual([]);
  });

  test('into a directory that cannot be made ends with a sentence that names it', async () => {
    await writeFile(path.join(state, 'file'), '');
    state = path.join(state, 'file', 'state');
    const { code, err } = await asu(fetchOf('24.10.2', 'demo/generic'));
    expect(code).toBe(1);
    expect(err).toMatch(/^expected a state directory that can be made and written, got .*: a file is in its way;.*\n$/);
    expect(err).toContain(state);
  });

  test('on a terminal it is one line that lives', async () => {
    const { out } = await asu(fetchOf('25.12.1', 'demo/generic'), { isTTY: true });
    expect(out).toContain('\r\x1b[2K25.12.1 demo/generic  unpacking');
    expect(out.match(/\n/g)).toHaveLength(1);
  });

  test('that was stopped goes on where it was', async () => {
    await mkdir(path.join(state, 'downloads'));
    await writeFile(path.join(state, 'downloads', `${archive.sha256}.part`), archive.bytes.subarray(0, 100_000));
    const { code, out } = await asu(fetchOf('24.10.2', 'demo/generic'));
    expect(code).toBe(0);
    expect(out).toMatch(/ {2}98 KiB of /);
    expect(out).toContain(archive.sha256.slice(0, 12));
  });

  test('that is stopped ends, keeps its part, and leaves the state directory to others', async () => {
    mirror.setFault((file) => (file.includes('imagebuilder') ? { hang: true } : undefined));
    const stop = new AbortController();
    const running = asu(fetchOf('24.10.2', 'demo/generic'), { signal: stop.signal });
    running.catch(() => undefined);
    mirror.forgetRequests();
    while (!mirror.requests().some((request) => request.includes('imagebuilder'))) await sleep(20);
    expect(() => lockState(state)).toThrow(/is using/);
    stop.abort(new Error('stopped by hand'));
    await expect(running).rejects.toThrow('stopped by hand');
    expect(await readdir(path.join(state, 'downloads'))).toEqual([`${archive.sha256}.part`]);
    lockState(state)[Symbol.dispose]();
  });

  test.each<[string, string[], RegExp]>([
    ['of a version that the mirror does not have', ['23.05.9', 'demo/generic'], /23\.05\.9.*it is not there$/],
    ['of a target that it does not have', ['24.10.2', 'demo/other'], /demo\/other.*it is not there$/],
  ])('%s is told in a sentence', async (_, [version = '', target = ''], sentence) => {
    const { code, err } = await asu(fetchOf(version, target));
    expect(code).toBe(1);
    expect(err.trim()).toMatch(sentence);
    expect(err).not.toContain('your request');
    expect(err.trim()).not.toContain('\n');
  });

  test('from a mirror that has the archive at another server of its network goes there where that was named', async () => {
    const other = await serveMirror(path.join(root, 'mirror'));
    try {
      mirror.setFault((file) => (file.includes('.tar.') ? { redirectTo: `${other.url}${file}` } : undefined));
      const wanted = fetchOf('24.10.2', 'demo/generic');
      const refused = await asu(wanted);
      expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('--mirror-redirects-to does not name')]);
      const named = await asu([...wanted, '--mirror-redirects-to', new URL(other.url).host]);
      expect([named.code, named.err]).toEqual([0, '']);
    } finally {
      await other.close();
    }
  });

  test('whose signature is of nobody known is refused; with --allow-unsigned one without any is taken, and said to be', async () => {
    const other = path.join(root, 'other.pub');
    await writeFile(other, 'RWS1BD5w+adc3j2Hqg9+b66CvLR7NlHbsj7wjNVj0XGt/othDgIAOJS+\n');
    const withOther = [...fetchOf('24.10.2', 'demo/generic'), '--upstream-keys', other];
    const refused = await asu(withOther);
    expect([refused.code, refused.out.includes('is there')]).toEqual([1, false]);
    expect(refused.err).toMatch(/is signed by key [0-9a-f]{16}, which is not trusted .* --upstream-keys/);
    mirror.setFault((file) => (/sha256sums\.(?:sig|asc)$/.test(file) ? { status: 404 } : undefined));
    const taken = await asu([...withOther, '--allow-unsigned']);
    expect(taken.code).toBe(0);
    expect(taken.out).toMatch(/signed by unsigned\nNobody vouches for it/);
  });
});

describe('with some on the shelf', () => {
  beforeEach(async () => {
    for (const target of ['demo/generic', 'demo64/generic']) await asu(fetchOf('24.10.2', target));
  });

  test('list is a table', async () => {
    const { out } = await asu(['list']);
    const [head, ...rows] = out.trimEnd().split('\n');
    expect(head).toMatch(/^SHA256 +VERSION +TARGET +SIZE +SIGNED BY +LAST USED +IN USE$/);
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatch(
      /^[0-9a-f]{12} +24\.10\.2 +demo64\/generic +\S+ [KM]iB +[0-9a-f]{16} +\d{4}-\d\d-\d\d \d\d:\d\d +no$/,
    );
  });

  test('remove takes the one that is meant', async () => {
    const [newest, other] = await listed();
    expect((await asu(['remove', newest?.sha256.slice(0, 12) ?? ''])).out).toMatch(
      /^removed [0-9a-f]{12} 24\.10\.2 demo64/,
    );
    expect((await listed()).map(({ sha256 }) => sha256)).toEqual([other?.sha256]);
    await asu(['remove', '24.10.2', 'demo/generic']);
    expect(await listed()).toEqual([]);
    expect(await readdir(path.join(state, 'imagebuilders'))).toEqual([]);
  });

  test('prune takes what was not used for so long, after having said so', async () => {
    const [, old] = await listed();
    const longAgo = new Date(Date.now() - 40 * 24 * 3_600_000);
    await utimes(path.join(state, 'imagebuilders', `${old?.sha256}.json`), longAgo, longAgo);
    const dry = await asu(['prune', '--keep-days', '30', '--dry-run']);
    expect(dry.out).toMatch(/^would remove [0-9a-f]{12} 24\.10\.2 demo\/generic .*\n1 of 2 ImageBuilders, /);
    expect(await listed()).toHaveLength(2);
    await asu(['prune', '--keep-days', '30']);
    expect(await listed()).toMatchObject([{ target: 'demo64/generic' }]);
    await asu(['prune', '--to', '0']);
    expect(await listed()).toEqual([]);
  });

  test('while a node runs they can be looked at, and nothing else', async () => {
    using _ = lockState(state);
    expect(await listed()).toMatchObject([{ inUse: null }, { inUse: null }]);
    expect((await asu(['list'])).out).toMatch(/ maybe\n/);
    const [one] = await listed();
    for (const args of [['remove', one?.sha256 ?? ''], ['prune', '--to', '0'], fetchOf('25.12.1', 'demo/generic')]) {
      const { code, err } = await asu(args);
      expect([args[0], code]).toEqual([args[0], 1]);
      expect(err).toMatch(/^a node is running on .*: stop it first/);
    }
    expect((await asu(['prune', '--to', '0', '--dry-run'])).code).toBe(0);
    expect(await listed()).toHaveLength(2);
  });
});

test('an empty shelf is told as one', async () => {
  expect((await asu(['list'])).out).toMatch(/^there is no ImageBuilder in \//);
  expect((await asu(['prune', '--to', '0'])).out).toMatch(/^there is no ImageBuilder in/);
  expect(await listed()).toEqual([]);
  // Looking makes nothing.
  expect(await readdir(state)).toEqual([]);
});

test.each([
  [['frob'], /expected list, fetch, remove or prune, got "frob"/],
  [['list', 'x'], /list takes no words, got "x"/],
  [['list', '--to', '1G'], /list takes no --to/],
  [['fetch', '24.10.2'], /fetch: expected a version and a target/],
  [['fetch', '../../etc', 'x86/64'], /fetch: expected a version/],
  [['fetch', '24.10.2', 'x86/64/..'], /fetch: expected target\/subtarget/],
  [['fetch', '24.10.2', 'x86/64', '--upstream', 'file:///'], /--upstream: expected an http or https URL/],
  [['fetch', '24.10.2', 'x86/64', '--upstream-keys', '/no/such'], /cannot be read \(ENOENT\)/],
  [
    ['fetch', '24.10.2', 'x86/64', '--mirror-redirects-to', '*.lan'],
    /--mirror-redirects-to: expected HOST or HOST:PORT/,
  ],
  [['remove'], /expected the beginning of a sha256/],
  [['remove', 'abcd'], /there is no ImageBuilder abcd/],
  [['prune'], /expected either --keep-days N or --to SIZE/],
  [['prune', '--keep-days', '1', '--to', '1G'], /expected either/],
  [['prune', '--keep-days', '-1'], /keep-days/],
  [['prune', '--to', 'half'], /--to: expected an amount/],
  [['--frob'], /there is no flag --frob/],
])('%j is refused with a sentence', async (args, sentence) => {
  const running = asu(args);
  await expect(running).rejects.toThrow(UsageError);
  await expect(running).rejects.toThrow(sentence);
});
