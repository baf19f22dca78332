import { describe, expect, it } from 'vitest';
import { buildRecord, failureRecord, requestEcho } from './build-record.fixture.ts';
import { doneBody, donePieces, failedBody } from './build-result.ts';

const bodyOf = (record = buildRecord(), echo = record.echo) =>
  JSON.parse(doneBody(donePieces(record), JSON.stringify(echo))) as Record<string, unknown>;

describe('the answer for a finished image', () => {
  it('has every field that clients read, and no logs', () => {
    expect(bodyOf()).toEqual({
      request: requestEcho(),
      images: [
        {
          name: 'image.bin',
          type: 'sysupgrade',
          filesystem: 'squashfs',
          sha256: '4'.repeat(64),
          sha256_unsigned: '4'.repeat(64),
          size: 5,
        },
      ],
      bin_dir: '1'.repeat(64),
      manifest: { 'base-files': '1638', vim: '9.1' },
      version_number: '24.10.2',
      version_code: 'r28427-6df0e3d02a',
      build_at: '2025-06-15T15:06:40.000000Z',
      id: 'glinet_gl-ar150',
      target: 'ath79/generic',
      arch_packages: 'mips_24kc',
      titles: [{ vendor: 'GL.iNet', model: 'GL-AR150' }],
      supported_devices: ['glinet,gl-ar150'],
      image_prefix: 'openwrt-24.10.2-ath79-generic-glinet_gl-ar150',
      source_date_epoch: 1_750_000_000,
      default_packages: ['base-files', 'ppp'],
      device_packages: ['kmod-usb2'],
      linux_kernel: { version: '6.6.93', release: '1', vermagic: 'abc' },
      metadata_version: 1,
      build_cmd: ['make', 'image', 'PROFILE=glinet_gl-ar150'],
      build_cmd_packages: 'luci vim -ppp',
      detail: 'done',
      imagebuilder_status: 'done',
      status: 200,
      request_hash: '1'.repeat(64),
      enqueued_at: '2025-11-13T02:13:20.123000Z',
    });
  });

  it('echoes the request of whoever asks, whatever letters are in it', () => {
    const echo = requestEcho({ client: '"}\\ \u2028 😀', version_code: 'r1' });
    expect(bodyOf(buildRecord(), echo).request).toEqual(echo);
  });

  it('has no linux_kernel where the ImageBuilder told none', () => {
    const { device } = buildRecord();
    expect('linux_kernel' in bodyOf(buildRecord({ device: { ...device, linuxKernel: null } }))).toBe(false);
  });

  it('has names of at most 64 characters where clients make URLs of them', () => {
    expect(String(bodyOf().bin_dir).length).toBeLessThanOrEqual(64);
  });
});

describe('the answer for a build that failed', () => {
  it('has the reason, both logs and the echo', () => {
    expect(failedBody(failureRecord())).toEqual({
      request: requestEcho(),
      detail: 'Error: Error while building firmware. See stdout/stderr',
      status: 500,
      imagebuilder_status: 'failed',
      request_hash: '1'.repeat(64),
      enqueued_at: '2025-11-13T02:13:20.123000Z',
      error_kind: 'build_failed',
      stdout: 'make: entering',
      stderr: 'make: *** failed',
    });
  });

  it.each([
    ['', '', []],
    ['out', '', ['stdout']],
    ['', 'err', ['stderr']],
  ])('with stdout %j and stderr %j has the keys %j, since a key opens a panel', (stdout, stderr, keys) => {
    const body = failedBody(failureRecord({ stdout, stderr }));
    expect(Object.keys(body).filter((key) => key.startsWith('std'))).toEqual(keys);
  });

  it('echoes the request of whoever asks', () => {
    expect(failedBody(failureRecord(), requestEcho({ client: 'me' })).request).toMatchObject({ client: 'me' });
  });
});
