import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { BuildErrorKind } from '../../shared/build-error.ts';
import { classifyFailure, classifyMissingImage, type EndedStage, findUnreadFeed } from './classify-failure.ts';

/** Both streams of a real ImageBuilder, see fixtures/README.md. */
function printed(name: string): { stdout: string; stderr: string } {
  const read = (stream: string) => {
    const url = new URL(`./fixtures/${name}.${stream}`, import.meta.url);
    return existsSync(url) ? readFileSync(url, 'utf8') : '';
  };
  const output = { stdout: read('out'), stderr: read('err') };
  if (output.stdout === '' && output.stderr === '') throw new Error(`expected a fixture ${name}, got none`);
  return output;
}

const exited2 = { state: 'exited', exitCode: 2 } as const;
const selection = (rest: string) => `Error: Impossible package selection: ${rest}`;
const tooBig = 'Error: Selected packages exceed device storage';

const userFaults: [name: string, stage: EndedStage['stage'], kind: BuildErrorKind, detail: string | RegExp][] = [
  ['manifest-missing', 'manifest', 'unknown_package', selection('missing (nosuchpkg)')],
  ['image-missing', 'image', 'unknown_package', selection('missing (nosuchpkg)')],
  ['a-missing', 'manifest', 'unknown_package', selection('missing (nosuchpkg)')],
  ['manifest-brokendep', 'manifest', 'unknown_package', selection('missing (libdoesnotexist)')],
  ['a-brokendep', 'manifest', 'unknown_package', selection('missing (libdoesnotexist)')],
  ['manifest-conflict', 'manifest', 'conflict', selection('conflicts (ibtest-conflict-a, ibtest-conflict-b)')],
  ['a-conflict', 'manifest', 'conflict', selection('conflicts (ibtest-conflict-a, ibtest-conflict-b)')],
  ['manifest-clash', 'manifest', 'conflict', selection('conflicts (dnsmasq, dnsmasq-full)')],
  ['a-clash', 'manifest', 'conflict', selection('conflicts (dropbear, ibtest-clash)')],
  ['image-huge', 'image', 'image_too_big', tooBig],
  ['a-huge', 'image', 'image_too_big', tooBig],
  ['manifest-profile', 'manifest', 'unsupported', /^Unsupported profile: nosuch\./],
  ['image-profile', 'image', 'unsupported', /^Unsupported profile: nosuch\./],
  ['a-profile', 'image', 'unsupported', /^Unsupported profile: nosuch\./],
  ['t-nokernel', 'image', 'no_sysupgrade', /no kernel/],
  ['image-postinst', 'image', 'build_failed', /script of ibtest-badpostinst failed$/],
  ['a-postinst', 'image', 'build_failed', /script of ibtest-badpostinst failed$/],
];

test.each(userFaults)('%s: the selection or the profile is told to be the reason', (name, stage, kind, detail) => {
  const verdict = classifyFailure({ stage, ended: exited2, ...printed(name) });
  expect(verdict.kind).toBe(kind);
  if (typeof detail === 'string') expect(verdict.detail).toBe(detail);
  else expect(verdict.detail).toMatch(detail);
});

const ourFaults: [name: string, stage: EndedStage['stage'], kind: BuildErrorKind, detail: RegExp][] = [
  ['n-down', 'manifest', 'upstream_unavailable', /ath79\/generic\/packages\/Packages\.gz could not be fetched/],
  ['n-apk-down', 'manifest', 'upstream_unavailable', /packages\/packages\.adb could not be fetched/],
  ['n-apk-offline-warm', 'manifest', 'upstream_unavailable', /packages\.adb could not be fetched/],
  ['n-sig', 'manifest', 'upstream_unavailable', /signature of a package list is wrong/],
  ['n-apk-nokey', 'manifest', 'upstream_unavailable', /signature of \S+packages\.adb is not one that is trusted/],
  ['t-corrupt', 'image', 'upstream_unavailable', /package ibtest-corrupt is not the one/],
  ['a-corrupt', 'manifest', 'upstream_unavailable', /ibtest-corrupt-1\.0-r1 could not be fetched whole/],
  ['a-again', 'manifest', 'upstream_unavailable', /base-files\S+ could not be fetched whole/],
  ['conc-a', 'image', 'internal', /working tree was disturbed/],
  ['conc-b', 'image', 'internal', /working tree was disturbed/],
];

test.each(ourFaults)(
  '%s: a fault of mirror or machine is never told as an impossible selection',
  (name, stage, kind, detail) => {
    const verdict = classifyFailure({ stage, ended: exited2, ...printed(name) });
    expect(verdict).toMatchObject({ kind, missingPackages: [], conflictingPackages: [] });
    expect(verdict.detail).toMatch(detail);
    expect(verdict.detail).toMatch(/This is not a fault of your request$/);
  },
);

test('lists of packages come along for clients that show them', () => {
  expect(classifyFailure({ stage: 'manifest', ended: exited2, ...printed('a-conflict') })).toMatchObject({
    missingPackages: [],
    conflictingPackages: ['ibtest-conflict-a', 'ibtest-conflict-b'],
  });
  expect(classifyFailure({ stage: 'manifest', ended: exited2, ...printed('manifest-brokendep') })).toMatchObject({
    missingPackages: ['libdoesnotexist'],
    conflictingPackages: [],
  });
});

test.each([
  ['t-big', 'image_too_big'],
  ['t-big4', 'image_too_big'],
  // Made with fd 8 closed, so the reason was never printed.
  ['t-big2', 'no_sysupgrade'],
  ['t-big3', 'no_sysupgrade'],
])('%s: make ended with 0 and left the image out', (name, kind) => {
  expect(classifyMissingImage(printed(name)).kind).toBe(kind);
});

const machineFaults: [line: string, kind: BuildErrorKind][] = [
  ['Write failed because No space left on device', 'disk_full'],
  ['mksquashfs: Cannot allocate memory', 'internal'],
  ['/bin/sh: 1: Cannot fork\nbash: fork: retry: Resource temporarily unavailable', 'internal'],
  ['make[3]: *** [image.mk:426: root.squashfs] Killed', 'internal'],
  ['make[3]: *** [image.mk:426: root.squashfs] Error 137', 'internal'],
  ['Build dependency: Please install GNU awk\n\nPrerequisite check failed. Use FORCE=1 to override.', 'internal'],
];

test.each(machineFaults)('%s: wins over what it led to', (line, kind) => {
  const stderr = `${line}\n * opkg_install_cmd: Cannot install package vim.\n`;
  expect(classifyFailure({ stage: 'image', ended: exited2, stdout: '', stderr }).kind).toBe(kind);
});

test('a make that was killed, and a make info that failed, are ours', () => {
  const nothing = { stdout: '', stderr: '' };
  const killed = { state: 'signalled', signal: 'SIGKILL' } as const;
  expect(classifyFailure({ stage: 'image', ended: killed, ...nothing }).kind).toBe('internal');
  expect(classifyFailure({ stage: 'info', ended: exited2, ...nothing }).kind).toBe('internal');
});

test('what nobody knows is shown with its output', () => {
  const verdict = classifyFailure({ stage: 'image', ended: exited2, stdout: '', stderr: 'make: *** [x] Error 1' });
  expect(verdict).toMatchObject({
    kind: 'build_failed',
    detail: 'Error: Error while building firmware. See stdout/stderr',
  });
});

test.each(['n-404', 'n-offline-warm'])('%s: a feed that was not read spoils a build that ended well', (name) => {
  expect(findUnreadFeed(printed(name))?.kind).toBe('upstream_unavailable');
});

test.each(['a-image', 'a-manifest', 't-image', 'manifest-fw'])(
  '%s: a good build has no such fault, whatever it warned of',
  (name) => {
    expect(findUnreadFeed(printed(name))).toBeNull();
  },
);
