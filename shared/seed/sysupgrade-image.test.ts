import { describe, expect, it, test } from 'vitest';
import { filesPath } from './file-path.ts';
import { sysupgradeImage } from './sysupgrade-image.ts';

const image = (type: string, filesystem: string) => ({ name: `${filesystem}-${type}`, type, filesystem });

describe('the image that a router is given to flash', () => {
  it.each([
    ['of two file systems', [image('sysupgrade', 'ext4'), image('sysupgrade', 'squashfs')], 'squashfs-sysupgrade'],
    [
      'of every kind',
      ['sdcard', 'combined-efi', 'combined', 'sysupgrade'].map((type) => image(type, 'ext4')),
      'ext4-sysupgrade',
    ],
    ['of a card and a PC', [image('sdcard', 'squashfs'), image('combined-efi', 'jffs2')], 'jffs2-combined-efi'],
    ['of two odd file systems, the first', [image('sdcard', 'ubifs'), image('sdcard', 'jffs2')], 'ubifs-sdcard'],
    ['of ext4 and an odd one', [image('sysupgrade', 'jffs2'), image('sysupgrade', 'ext4')], 'ext4-sysupgrade'],
    [
      'of a PC that starts either way',
      [image('combined-efi', 'squashfs'), image('combined', 'squashfs')],
      'squashfs-combined',
    ],
    [
      'of a PC: not the root file system',
      [image('rootfs', 'squashfs'), image('combined-efi', 'ext4')],
      'ext4-combined-efi',
    ],
    ['beside a card', [image('sdcard', 'squashfs'), image('sysupgrade', 'ext4')], 'ext4-sysupgrade'],
    ['where a card is all there is', [image('kernel', 'squashfs'), image('sdcard', 'ext4')], 'ext4-sdcard'],
    ['not one for a first installation', [image('factory', 'squashfs'), image('kernel', 'squashfs')], undefined],
    ['of nothing', [], undefined],
  ])('%s', (_, images, name) => {
    expect(sysupgradeImage(images)?.name).toBe(name);
  });
});

test.each([
  'openwrt-23.05.5-ath79-generic-tplink_archer-c7-v5-squashfs-sysupgrade.bin',
  'openwrt-23.05.5-ath79-generic-glinet_gl-ar300m16-squashfs-sysupgrade.bin',
  'openwrt-25.12.5-x86-64-generic-squashfs-combined-efi.img.gz',
  // More than twice as long as any that upstream has.
  'n'.repeat(184),
])('%s: its URL fits into the 255 characters that auc has for one', (name) => {
  const url = 'https://sysupgrade.openwrt.org';
  expect(url.length + filesPath('f'.repeat(64)).length + name.length + 2).toBeLessThanOrEqual(255);
});
