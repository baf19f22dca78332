/**
 * The main job with a real node, on all that the edge runs on: wrangler with R2, wrangler with a real S3 server, and `workerd serve` with
 * that. `ASU_E2E_ON` puts the rest of the suite there.
 */
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { updatePackage } from '../farm/demo/change-mirror.ts';
import { type Answer, built, download, ended, poll, post, REQUEST } from './players/router.ts';
import { type NodeUnderTest, StackUnderTest, until } from './stack-under-test.ts';

describe.each([
  ['wrangler', 'R2'],
  ['wrangler', 'S3'],
  ['workerd', 'S3'],
] as const)('in %s, with images in %s', (runtime, store) => {
  let stack: StackUnderTest;
  let node: NodeUnderTest;

  beforeAll(async () => {
    stack = await StackUnderTest.start({ runtime, ...(store === 'S3' && { s3: inject('s3') }) });
    node = await stack.startNode('one');
  });
  afterAll(() => stack?.close());

  const buildsStarted = () => node.lines.filter((line) => line.startsWith('building')).length;

  test('a request that nobody made before goes through growing steps to an image whose bytes are what was promised', async () => {
    // Far enough away for the build to last several polls, however fast the machine is.
    stack.mirrorServer.setLatency(100);
    const first = await post(stack.url, REQUEST);
    expect(first.status).toBe(202);
    expect(first.body).toMatchObject({ detail: 'queued', imagebuilder_status: 'queued', queue_position: 0 });
    const seen: Answer[] = [first];
    const done = await ended(stack.url, first.body.request_hash, seen);
    stack.mirrorServer.setLatency(0);
    expect(done.status).toBe(200);
    const steps = seen.filter((answer) => answer.status === 202).map((answer) => answer.body.imagebuilder_status);
    const order = [
      'queued',
      'init',
      'download_imagebuilder',
      'unpack_imagebuilder',
      'container_setup',
      'validate_revision',
      'validate_manifest',
      'calculate_packages_hash',
      'building_image',
      'signing_images',
    ];
    const ranks = steps.map((step) => order.indexOf(step));
    expect(ranks).not.toContain(-1);
    expect(ranks).toEqual([...ranks].sort((a, b) => a - b));
    expect(steps).toEqual(expect.arrayContaining(['queued', 'building_image']));
    for (const answer of seen.filter((one) => one.status === 202 && one.body.detail === 'started'))
      expect(answer.body).not.toHaveProperty('queue_position');

    expect(done.body).toMatchObject({
      id: 'acme_ax3000-v1',
      target: 'demo/generic',
      version_number: '24.10.2',
      bin_dir: first.body.request_hash,
      detail: 'done',
      request: { profile: 'acme,ax3000-v1', packages: ['luci'], defaults: null },
    });
    expect(done.body.manifest).toHaveProperty('luci');
    expect(done.body.images.length).toBeGreaterThan(0);
    for (const image of done.body.images) {
      const { bytes, sha256 } = await download(stack.url, done.body.bin_dir, image.name);
      expect(sha256).toBe(image.sha256);
      expect(sha256).toBe(image.sha256_unsigned);
      expect(bytes.length).toBe(image.size);
    }
  });

  test('a download can be resumed, asked about by HEAD, and is not sent twice to who has it', async () => {
    const { body } = await built(stack.url, REQUEST);
    const image = body.images[0];
    const url = `${stack.url}/store/${body.bin_dir}/${image.name}`;
    const whole = (await download(stack.url, body.bin_dir, image.name)).bytes;
    const head = await fetch(url, { method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe(String(image.size));
    expect(head.headers.get('accept-ranges')).toBe('bytes');
    const part = await fetch(url, { headers: { range: 'bytes=1000-' } });
    expect(part.status).toBe(206);
    expect(part.headers.get('content-range')).toBe(`bytes 1000-${image.size - 1}/${image.size}`);
    expect(Buffer.from(await part.arrayBuffer()).equals(whole.subarray(1000))).toBe(true);
    const again = await fetch(url, { headers: { 'if-none-match': head.headers.get('etag') ?? '' } });
    expect(again.status).toBe(304);
    const beyond = await fetch(url, { headers: { range: `bytes=${image.size}-` } });
    expect(beyond.status).toBe(416);
    expect((await beyond.json()) as object).toMatchObject({ status: 416 });
  });

  test('the second request is answered at once, without a call to the Foreman or a node', async () => {
    const { body } = await built(stack.url, REQUEST);
    const callsBefore = await stack.foremanCalls();
    const buildsBefore = buildsStarted();
    const hit = await post(stack.url, REQUEST);
    const polled = await poll(stack.url, body.request_hash);
    const file = await download(stack.url, body.bin_dir, body.images[0].name);
    expect([hit.status, polled.status]).toEqual([200, 200]);
    expect(hit.body.request_hash).toBe(body.request_hash);
    expect(file.sha256).toBe(body.images[0].sha256);
    const callsAfter = await stack.foremanCalls();
    // The node asks for work and reports all the time; what a client could cause is not among it.
    for (const call of ['submit', 'status', 'upload']) expect(callsAfter[call]).toBe(callsBefore[call]);
    expect(buildsStarted()).toBe(buildsBefore);
  });

  test('fifty equal requests at once are one build', async () => {
    const request = { ...REQUEST, packages: ['luci', 'nano'] };
    const buildsBefore = buildsStarted();
    const answers = await Promise.all(Array.from({ length: 50 }, () => post(stack.url, request)));
    expect(new Set(answers.map((answer) => answer.body.request_hash)).size).toBe(1);
    expect(answers.every((answer) => answer.status === 202 || answer.status === 200)).toBe(true);
    const done = await ended(stack.url, answers[0]?.body.request_hash);
    expect(done.status, JSON.stringify(done.body)).toBe(200);
    expect(buildsStarted()).toBe(buildsBefore + 1);
  });

  test('order, duplicates, plus signs, client, alias and an absolute list change nothing', async () => {
    const { body } = await built(stack.url, { ...REQUEST, packages: ['luci', 'nano'] });
    const target = (await (
      await fetch(`${stack.mirrorServer.url}/releases/24.10.2/targets/demo/generic/profiles.json`)
    ).json()) as {
      default_packages: string[];
      profiles: Record<string, { device_packages: string[] }>;
    };
    const device = target.profiles['acme_ax3000-v1']?.device_packages ?? [];
    const spellings = [
      { ...REQUEST, packages: ['nano', 'luci'] },
      { ...REQUEST, packages: ['luci', 'nano', 'luci'] },
      { ...REQUEST, packages: ['+luci', '+nano'] },
      { ...REQUEST, packages: ['luci', 'nano'], client: 'somebody/2' },
      { ...REQUEST, packages: ['luci', 'nano'], profile: 'acme_ax3000-v1' },
      { ...REQUEST, packages: ['luci', 'nano'], profile: 'ax3000-v1' },
      { ...REQUEST, packages: ['luci', 'nano'], distro: 'openwrt', defaults: '', repositories: {} },
      { ...REQUEST, packages: [...target.default_packages, ...device, 'luci', 'nano'], diff_packages: true },
    ];
    for (const spelling of spellings) {
      const answer = await post(stack.url, spelling);
      expect([answer.status, answer.body.request_hash], JSON.stringify(spelling)).toEqual([200, body.request_hash]);
      expect(answer.body.request.packages).toEqual(spelling.packages);
    }
    const other = await post(stack.url, { ...REQUEST, packages: ['luci', 'nano', '-ppp-mod-pppoe'] });
    expect(other.body.request_hash).not.toBe(body.request_hash);
  });

  test("an unrelated package's update rebuilds nothing; a relevant one gives a new hash, and the old one its old image", async () => {
    const request = { ...REQUEST, version: 'SNAPSHOT' };
    const old = await built(stack.url, request);
    expect(old.status, JSON.stringify(old.body)).toBe(200);
    const oldImage = await download(stack.url, old.body.bin_dir, old.body.images[0].name);

    const { directory } = stack.mirror;
    expect(old.body.manifest).not.toHaveProperty('nano');
    await updatePackage(directory, { version: 'SNAPSHOT', package: 'nano' });
    // The edge must have seen the new index, or the next answer would prove nothing.
    await until('the edge has read the changed index', () => indexWasRead(stack));
    const unrelated = await post(stack.url, request);
    expect([unrelated.status, unrelated.body.request_hash]).toEqual([200, old.body.request_hash]);

    await updatePackage(directory, { version: 'SNAPSHOT', package: 'luci' });
    const moved = await until('the update is noticed', async () => {
      const answer = await post(stack.url, request);
      return answer.body.request_hash === old.body.request_hash ? undefined : answer;
    });
    expect(moved.status).toBe(202);
    const fresh = await ended(stack.url, moved.body.request_hash);
    expect(fresh.status, JSON.stringify(fresh.body)).toBe(200);
    expect(fresh.body.manifest.luci).not.toBe(old.body.manifest.luci);

    const stillThere = await poll(stack.url, old.body.request_hash);
    expect(stillThere.body.manifest).toEqual(old.body.manifest);
    expect((await download(stack.url, old.body.bin_dir, old.body.images[0].name)).sha256).toBe(oldImage.sha256);
    const again = await post(stack.url, request);
    expect([again.status, again.body.request_hash]).toEqual([200, moved.body.request_hash]);
  });

  test('what cannot be selected is told in the words of the ImageBuilder, and told again without a second build', async () => {
    const request = { ...REQUEST, packages: ['no-such-package'] };
    const failed = await built(stack.url, request);
    expect(failed.status).toBe(500);
    expect(failed.body.detail).toMatch(/^Error: Impossible package selection: missing \(no-such-package\)/);
    expect(failed.body.imagebuilder_status).toBe('failed');
    const buildsBefore = buildsStarted();
    const again = await post(stack.url, request);
    expect([again.status, again.body.detail]).toEqual([500, failed.body.detail]);
    expect(buildsStarted()).toBe(buildsBefore);
  });
});

/** True once the changed package index was asked for after its change. */
async function indexWasRead(stack: StackUnderTest): Promise<boolean> {
  stack.mirrorServer.forgetRequests();
  // A request makes the edge look; it answers from what it has and looks afterwards.
  await post(stack.url, { ...REQUEST, version: 'SNAPSHOT' });
  await new Promise((resolve) => setTimeout(resolve, 1200));
  await post(stack.url, { ...REQUEST, version: 'SNAPSHOT' });
  return until('the index is asked for', () =>
    stack.mirrorServer.requests().some((line) => line.includes('/snapshots/packages/')),
  );
}
