import { describe, expect, it, test } from 'vitest';
import { buildRecord } from '../build/build-record.fixture.ts';
import { resultDigest } from './result-digest.ts';

const told = buildRecord();
const [image] = told.images;
if (!image) throw new Error('expected an image');
const { device, manifest } = told;

describe('another digest, where it is told', () => {
  it.each<[string, Partial<Parameters<typeof resultDigest>[0]>]>([
    ['of other bytes', { images: [{ ...image, sha256: '5'.repeat(64) }] }],
    ['of another name', { images: [{ ...image, name: 'other.bin' }] }],
    ['that a factory image is for sysupgrade', { images: [{ ...image, type: 'factory' }] }],
    ['of another file system', { images: [{ ...image, filesystem: 'ext4' }] }],
    ['of one image more', { images: [image, { ...image, name: 'b.bin' }] }],
    ['that it fits another device', { device: { ...device, supportedDevices: ['acme,ax3000-v1'] } }],
    ['of another revision', { device: { ...device, versionCode: 'r1-0' } }],
    ['of a package more', { manifest: { ...manifest, telnetd: '1' } }],
    ['of another version of one', { manifest: { ...manifest, vim: '9.2' } }],
  ])('%s', (_, fields) => {
    expect(resultDigest({ ...told, ...fields })).not.toBe(resultDigest(told));
  });
});

test('the same digest, in whatever order images, packages and facts come', () => {
  const images = [image, { ...image, name: 'b.bin' }];
  const backwards = <Value extends object>(value: Value): Value =>
    Object.fromEntries(Object.entries(value).reverse()) as Value;
  expect(resultDigest({ images: images.toReversed(), device: backwards(device), manifest: backwards(manifest) })).toBe(
    resultDigest({ images, device, manifest }),
  );
});
