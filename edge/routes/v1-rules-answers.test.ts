/**
 * The numbered rules of the v1 API that are about answers to builds: what clients read in them, and what freezes a client. The
 * other rules are in v1-rules-wire.test.ts and v1-rules-requests.test.ts.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { STEP_WORDS } from '../../shared/build/build-state.ts';
import { BuildStep } from '../../shared/gen/asu/farm/v1/build_pb.js';
import { packagesText } from '../catalogue/mirror.fixture.ts';
import { ask, GOOD_REQUEST, jsonOf, openUpstream, post } from '../edge.fixture.ts';
import {
  built,
  type FarmNode,
  finish,
  IMAGE_NAME,
  joinNode,
  orderFor,
  report,
  succeeded,
  upload,
} from '../nodes/farm-node.fixture.ts';
import { emptyQueue, hashOf, until, wish } from './build-steps.fixture.ts';

let node: FarmNode;

beforeAll(async () => {
  const mirror = await openUpstream();
  // An index of the opkg era writes names with their ABI. It also tells all that there is, so what is wished for is in it.
  const wished = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`wish-${n + 1}`, '1']));
  const base = { curl: '8.1-r1', libx5: '1.0', ...wished };
  mirror.publishArch('24.10.2', 'x86_64', { base }, 'opkg');
  const text = packagesText(base, { libx5: 'ABIVersion: 5' });
  mirror.files.set('releases/24.10.2/packages/x86_64/base/Packages', text);
  node = await joinNode(1);
});

describe('rule 7: a 202', () => {
  const COMMON = ['detail', 'enqueued_at', 'eta_seconds', 'imagebuilder_status', 'request', 'request_hash', 'status'];

  it('of a build that waits has its place in the queue, in body and headers', async () => {
    const response = await post(wish());
    const body = await jsonOf(response);
    expect(Object.keys(body).sort()).toEqual([...COMMON, 'queue_position'].sort());
    expect(body).toMatchObject({
      status: 202,
      detail: 'queued',
      imagebuilder_status: 'queued',
      queue_position: 0,
      request_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      enqueued_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
      eta_seconds: expect.any(Number),
    });
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'x-imagebuilder-status': 'queued',
      'x-queue-position': '0',
      'retry-after': expect.stringMatching(/^\d+$/),
    });
    await emptyQueue(node);
  });

  it('of a build that runs has no place, not even the key', async () => {
    const hash = await hashOf(wish());
    const { leaseId } = await orderFor(node);
    await report(node, leaseId, 1, { case: 'progress', value: { step: BuildStep.BUILDING_IMAGE } });
    const response = await until(hash, 'building_image');
    expect(response.status).toBe(202);
    expect(response.headers.has('x-queue-position')).toBe(false);
    expect(response.headers.has('retry-after')).toBe(true);
    const body = await jsonOf(response);
    expect(Object.keys(body).sort()).toEqual(COMMON);
    expect(body).toMatchObject({ detail: 'started', imagebuilder_status: 'building_image', request_hash: hash });
    await report(node, leaseId, 2, { case: 'failed', value: { kind: 'conflict', detail: 'Error: x' } });
    await until(hash, 'failed');
  });

  it('says what is done in words that LuCI knows; another one freezes it', () => {
    expect([...new Set(Object.values(STEP_WORDS))].sort()).toEqual(
      [
        'init',
        'container_setup',
        'validate_revision',
        'validate_manifest',
        'calculate_packages_hash',
        'building_image',
        'signing_images',
        'download_imagebuilder',
        'unpack_imagebuilder',
      ].sort(),
    );
  });
});

describe('rule 9: a 200', () => {
  it('has the members that clients read, and no log', async () => {
    const asked = { ...wish(), client: 'owut/1' };
    const hash = await built(node, asked);
    const body = await jsonOf(await ask(`/api/v1/build/${hash}`));
    expect(body).toEqual({
      request: {
        ...asked,
        distro: 'openwrt',
        version_code: '',
        packages_versions: {},
        diff_packages: false,
        defaults: null,
        rootfs_size_mb: null,
        filesystem: null,
        repositories: {},
        repositories_mode: 'append',
        repository_keys: [],
      },
      images: [
        {
          name: IMAGE_NAME,
          type: 'combined',
          filesystem: 'squashfs',
          sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
          sha256_unsigned: expect.stringMatching(/^[0-9a-f]{64}$/),
          size: expect.any(Number),
        },
      ],
      bin_dir: hash,
      manifest: { 'base-files': '1', dnsmasq: '2.90', curl: '8.1-r1' },
      version_number: '24.10.2',
      version_code: 'r28427-6df0e3d02a',
      build_at: '2025-06-15T15:06:40.000000Z',
      id: 'generic',
      target: 'x86/64',
      arch_packages: 'x86_64',
      titles: [],
      supported_devices: [],
      image_prefix: 'x',
      source_date_epoch: 1_750_000_000,
      default_packages: ['base-files', 'dnsmasq'],
      device_packages: ['kmod-e1000'],
      build_cmd: expect.arrayContaining(['make', 'image']),
      build_cmd_packages: expect.any(String),
      metadata_version: 1,
      detail: 'done',
      imagebuilder_status: 'done',
      status: 200,
      request_hash: hash,
      enqueued_at: expect.stringMatching(/Z$/),
    });
  });

  it('tells no secret, nor does a 202', async () => {
    const response = await post({ ...wish(), defaults: 'hunter2' });
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({ status: 202, request: { defaults: null } });
    expect(text).not.toContain('hunter2');
    await emptyQueue(node);
  });

  it.each([
    ['an empty log has none of its members', '', { stdout: false, stderr: false }],
    ['a log has that member', 'words', { stdout: false, stderr: true }],
  ])('and of a failure, %s', async (_, stderr, members) => {
    const hash = await hashOf(wish());
    await report(node, (await orderFor(node)).leaseId, 1, {
      case: 'failed',
      value: { kind: 'conflict', detail: 'Error: x', stderr },
    });
    const body = await jsonOf(await until(hash, 'failed'));
    expect({ stdout: 'stdout' in body, stderr: 'stderr' in body }).toEqual(members);
  });
});

describe('rule 10: what was asked, what was built and what is listed', () => {
  it('`version_code` is echoed as it was asked', async () => {
    for (const version_code of ['', 'r28427-6df0e3d02a'])
      expect(await jsonOf(await post({ ...GOOD_REQUEST, version_code }))).toMatchObject({ request: { version_code } });
    await emptyQueue(node);
  });

  it('manifest and package lists have one name and one version for a package, without its ABI', async () => {
    const lists = await Promise.all(
      ['targets/x86/64/index.json', 'packages/x86_64-index.json'].map((path) =>
        ask(`/json/v1/releases/24.10.2/${path}`).then(jsonOf),
      ),
    );
    const listed = { ...((lists[0]?.packages ?? {}) as object), ...lists[1] } as Record<string, string>;
    expect(listed).toMatchObject({ 'base-files': '1', 'kmod-e1000': '6.6.93-r1', libx: '1.0' });
    expect(listed).not.toHaveProperty('libx5');
    const asked = wish();
    const hash = await hashOf(asked);
    const { leaseId } = await orderFor(node);
    const file = await upload(node, leaseId, IMAGE_NAME, 'image');
    await report(node, leaseId, 1, succeeded([file], { 'base-files': '1', dnsmasq: '2.90', libx: '1.0' }));
    const { manifest } = await jsonOf(await until(hash, 'done'));
    for (const [name, version] of Object.entries(manifest as object))
      expect([name, listed[name]]).toEqual([name, version]);
    // What a client read in a list it may ask for as a condition.
    expect((await post({ ...asked, packages_versions: { libx: '1.0' } })).status).toBe(200);
  });
});

describe('rule 16: an address', () => {
  it('of an image fits into the buffers of clients', async () => {
    const hash = await built(node, wish());
    const { bin_dir, images } = (await jsonOf(await ask(`/api/v1/build/${hash}`))) as {
      bin_dir: string;
      images: { name: string }[];
    };
    expect(bin_dir.length).toBeLessThanOrEqual(64);
    expect(images).not.toEqual([]);
    for (const { name } of images) expect(`https://asu.example/store/${bin_dir}/${name}`.length).toBeLessThan(256);
  });

  it('that would not is never published: such a result is not taken', async () => {
    const hash = await hashOf(wish());
    const { leaseId } = await orderFor(node);
    const file = await upload(node, leaseId, `openwrt-${'x'.repeat(140)}.img.gz`, 'image');
    await report(node, leaseId, 1, succeeded([file]));
    const again = await orderFor(node);
    expect([again.requestHash, again.attempt]).toEqual([hash, 2]);
    await finish(node, again);
    await until(hash, 'done');
  });
});
