import { expect, test } from 'vitest';
import { findBranch, OPENWRT_BRANCHES } from '../upstream/branch.ts';
import { OPENWRT } from '../upstream/distro.ts';
import { profileEntry, targetDocument } from '../upstream/upstream.fixture.ts';
import { defaultPackages } from './default-packages.ts';

const branch = findBranch(OPENWRT_BRANCHES, '24.10.2');
if (!branch) throw new Error('expected a branch');

test.each<[string, string[], string[], string[], string?]>([
  ['of its target and its own', ['kmod-usb2'], [], ['base-files', 'dnsmasq', 'kmod-usb2', 'ppp']],
  ['without those that it does without', ['-ppp', 'kmod-usb2'], [], ['base-files', 'dnsmasq', 'kmod-usb2']],
  ['each once', ['dnsmasq', 'kmod-usb2', 'kmod-usb2'], ['ppp'], ['base-files', 'dnsmasq', 'kmod-usb2', 'ppp']],
  ['with those of the distribution', [], ['lime', 'dnsmasq'], ['base-files', 'dnsmasq', 'lime', 'ppp']],
  ['with what it needs to start', [], [], ['base-files', 'dnsmasq', 'fitblk', 'ppp'], 'mediatek/mt7622'],
])('a device has the packages %s', (_, devicePackages, packages, names, target = 'ath79/generic') => {
  const document = targetDocument({ target, profiles: { router: profileEntry({ devicePackages }) } });
  expect(defaultPackages(document, 'router', { ...OPENWRT, packages }, branch)).toEqual(names);
});
