import { expect, it, test } from 'vitest';
import { buildRecord } from '../build/build-record.fixture.ts';
import { deviceName, imageFacts } from './image-facts.ts';

test('the facts of an image', () => {
  expect(imageFacts(buildRecord({ nodeName: 'attic' }), 7)).toEqual({
    image_hash: '1'.repeat(15),
    distro: 'openwrt',
    version: '24.10.2',
    target: 'ath79/generic',
    subtarget: 'generic',
    profile: 'glinet_gl-ar150',
    model: 'GL.iNet GL-AR150',
    // sha256 of `base-files - 1638\nvim - 9.1\n`
    manifest_hash: 'f838cf3371b40fb',
    defaults_hash: null,
    worker: 'attic',
    build_date: '2025-11-13T02:14:20.000Z',
    build_seconds: 42,
    sysupgrade: 'image.bin',
    snapshots: false,
    cache_hits: 7,
    files: `/json/${'1'.repeat(32)}/`,
    request_hash: '1'.repeat(64),
  });
});

const { request, device, images } = buildRecord();

it.each([
  ['of a snapshot say so', { request: { ...request, version: '24.10-SNAPSHOT' } }, { snapshots: true }],
  ['of before nodes had names have the head of its key', {}, { worker: '3'.repeat(12) }],
  [
    'without an image to upgrade with have none',
    { images: images.map((image) => ({ ...image, type: 'factory' })) },
    { sysupgrade: null },
  ],
  ['of half a second have a whole one', { durationMs: 500 }, { build_seconds: 1 }],
  ['of a node that claims a year have a day', { durationMs: 1e18 }, { build_seconds: 86_400 }],
])('facts %s', (_, fields, facts) => {
  expect(imageFacts(buildRecord(fields), null)).toMatchObject({ ...facts, cache_hits: null });
});

it.each([
  ['its title', [{ title: 'A thing' }], 'A thing'],
  ['its profile, without a title', [], 'glinet_gl-ar150'],
  ['its profile, where the title says nothing', [{ vendor: '' }], 'glinet_gl-ar150'],
  [
    'text, whatever a node has made of it',
    [{ title: 'x<<img src=1 onerror=alert(1)>' }],
    'ximg src=1 onerror=alert(1)>',
  ],
])('a device is called by %s', (_, titles, name) => {
  expect(deviceName({ request, device: { ...device, titles } })).toBe(name);
});
