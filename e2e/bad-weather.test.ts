/** When upstream is down, lies or is half-way through publishing: a true message, a retry, and nothing held against the user. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { moveSnapshot } from '../farm/demo/change-mirror.ts';
import { type Answer, built, ended, healthOf, poll, post, REQUEST } from './players/router.ts';
import { type NodeUnderTest, StackUnderTest, until } from './stack-under-test.ts';

const BLAME = /Impossible package selection|Unsupported (?:target|profile|version)/;
const isImageBuilder = (path: string) => path.includes('imagebuilder');

let stack: StackUnderTest;
let node: NodeUnderTest;
let serial = 0;
const fresh = () => {
  serial += 1;
  return { ...REQUEST, rootfs_size_mb: 300 + serial };
};

beforeAll(async () => {
  stack = await StackUnderTest.start();
});
afterAll(() => stack?.close());

/** Posts once upstream is well again, until the image is there: no failure of the storm may be remembered. */
const mendedTo200 = (request: unknown): Promise<Answer> =>
  until('the same request is built after all', async () => {
    const answer = await built(stack.url, request);
    expect(answer.body.detail, 'the user is never blamed').not.toMatch(BLAME);
    return answer.status === 200 ? answer : undefined;
  });

describe('before anything is known of upstream', () => {
  afterEach(() => stack.mirrorServer.setFault(undefined));

  test.each([
    ['answers 500', { status: 500 }],
    ['answers HTML with 200', { html: true as const }],
    ['cuts every file', { truncateAt: 40 }],
  ])('a mirror that %s is said to be at fault, and the request is queued nowhere', async (_, fault) => {
    stack.mirrorServer.setFault(() => fault);
    stack.mirrorServer.forgetRequests();
    const request = fresh();
    // What was found out a moment ago is not asked again at once: this fault must have been met itself.
    const answer = await until('the edge has met the fault', async () => {
      const one = await post(stack.url, request);
      return stack.mirrorServer.requests().some((line) => line.includes('/targets/')) ? one : undefined;
    });
    expect(answer.status).toBe(503);
    expect(answer.body).toMatchObject({ status: 503, error_kind: 'upstream_unavailable' });
    expect(answer.body.detail).toMatch(/upstream mirror/);
    expect(answer.headers.get('retry-after')).not.toBeNull();
    expect((await stack.foremanCalls()).submit).toBeUndefined();
  });

  test('a checksum file that nobody signed is not believed', async () => {
    stack.mirrorServer.setFault((path) =>
      path.endsWith('/sha256sums.sig') ? { body: 'untrusted comment: x\nAAAA\n' } : undefined,
    );
    const answer = await until('the edge asks again', async () => {
      const one = await post(stack.url, fresh());
      return one.body.error_kind === 'upstream_unavailable' ? one : undefined;
    });
    expect(answer.status).toBe(503);
    expect((await stack.foremanCalls()).submit).toBeUndefined();
  });

  test('when it is well again, the image is built', async () => {
    node = await stack.startNode('one');
    await mendedTo200(fresh());
  });
});

describe('once upstream is known', () => {
  afterEach(() => stack.mirrorServer.setFault(undefined));

  test('a mirror that is down hinders neither hits nor checks', async () => {
    const request = fresh();
    const done = await built(stack.url, request);
    expect(done.status).toBe(200);
    stack.mirrorServer.setFault(() => ({ status: 503 }));
    await new Promise((resolve) => setTimeout(resolve, 2500));
    for (let n = 0; n < 3; n += 1) expect((await post(stack.url, request)).status).toBe(200);
    const health = await until('/healthz says so', async () => {
      const { detail, parts } = await healthOf(stack.url);
      return parts.upstream.up ? undefined : { detail, parts };
    });
    expect(health.detail).toBe('degraded');
    expect(health.parts.upstream.reason).toMatch(/last good copy/);
    const revision = await fetch(`${stack.url}/api/v1/revision/24.10.2/demo/generic`);
    expect(revision.status).toBe(200);
  });

  test.each([
    ['is another than was promised', { body: Buffer.alloc(50_000, 1) }],
    ['ends in the middle', { truncateAt: 20_000 }],
    ['is an HTML page with 200', { html: true as const }],
    ['is refused with 500', { status: 500 }],
  ])('an ImageBuilder that %s ends in a true message, is retried, and is not remembered', async (_, fault) => {
    // Of a target that no node holds yet, or nothing would be fetched.
    const request = {
      version: '25.12.1',
      target: 'demo64/generic',
      profile: 'whatever',
      rootfs_size_mb: fresh().rootfs_size_mb,
    };
    stack.mirrorServer.setFault((path) => (isImageBuilder(path) && path.includes('25.12.1') ? fault : undefined));
    const first = await post(stack.url, request);
    expect(first.status).toBe(202);
    const failed = await ended(stack.url, first.body.request_hash);
    expect(failed.status).toBe(500);
    expect(failed.body.error_kind).toBe('upstream_unavailable');
    expect(failed.body.detail).not.toMatch(BLAME);
    expect(failed.body.detail).toMatch(/not a fault of your request/);
    const tries = node.lines.filter((line) => line.startsWith(`building ${first.body.request_hash.slice(0, 12)}`));
    expect(tries.length).toBe(3);
    const again = await post(stack.url, request);
    expect([again.status, again.body.request_hash === first.body.request_hash]).toEqual([202, false]);
    await ended(stack.url, again.body.request_hash);
  });

  test('after that, the same target is built as if nothing had been', async () => {
    await mendedTo200({ version: '25.12.1', target: 'demo64/generic', profile: 'whatever' });
  });

  test('a package feed that the ImageBuilder cannot read is not an unknown package', async () => {
    stack.mirrorServer.setFault((path) =>
      path.includes('/packages/demo_generic/packages/') ? { status: 500 } : undefined,
    );
    const request = { ...fresh(), packages: ['nano'] };
    const first = await post(stack.url, request);
    const failed = first.status === 202 ? await ended(stack.url, first.body.request_hash) : first;
    expect(failed.body.error_kind).toBe('upstream_unavailable');
    stack.mirrorServer.setFault(undefined);
    await mendedTo200(request);
  });

  test('a snapshot in the middle of being published is built from the last whole state, or waits, and then from the new one', async () => {
    const request = { ...fresh(), version: 'SNAPSHOT' };
    const old = await mendedTo200(request);
    // The new checksums are there and the new profiles.json is not: what a reader sees while files are copied.
    const before = await (await fetch(`${stack.mirrorServer.url}/snapshots/targets/demo/generic/profiles.json`)).text();
    stack.mirrorServer.setFault((path) =>
      path.endsWith('/snapshots/targets/demo/generic/profiles.json') ? { body: before } : undefined,
    );
    await moveSnapshot(stack.mirror.directory);
    await new Promise((resolve) => setTimeout(resolve, 2500));
    const during = await post(stack.url, request);
    expect([during.status, during.body.request_hash]).toEqual([200, old.body.request_hash]);
    stack.mirrorServer.setFault(undefined);
    const moved = await until('the new snapshot is seen', async () => {
      const answer = await post(stack.url, request);
      return answer.body.request_hash === old.body.request_hash ? undefined : answer;
    });
    const done = moved.status === 202 ? await ended(stack.url, moved.body.request_hash) : moved;
    expect(done.status, JSON.stringify(done.body)).toBe(200);
    expect(done.body.version_code).not.toBe(old.body.version_code);
    expect((await poll(stack.url, old.body.request_hash)).body.version_code).toBe(old.body.version_code);
  });

  test('a client that names the old revision is told the new one at once, and nothing is queued', async () => {
    const submitted = (await stack.foremanCalls()).submit;
    const answer = await post(stack.url, { ...REQUEST, version_code: 'r1-aaaaaaaaaa' });
    expect(answer.status).toBe(500);
    expect(answer.body.detail).toMatch(/^Error: Received incorrect version r\d+-\w+ \(requested r1-aaaaaaaaaa\)$/);
    expect((await stack.foremanCalls()).submit).toBe(submitted);
  });
});
