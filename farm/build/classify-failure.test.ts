import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { BuildErrorKind } from '../../shared/build/build-error.ts';
import { fc } from '../../shared/chance.fixture.ts';
import { isPackageName } from '../../shared/request/grammar.ts';
import type { Era } from '../imagebuilder/era.ts';
import {
  classifyFailure,
  classifyMissingImage,
  type EndedStage,
  findUnreadFeed,
  type Overrun,
  saysTooBig,
} from './classify-failure.ts';
import { MACHINE_FAULTS, MIRROR_FAULTS } from './fault-table.ts';
import type { FailureParts } from './image-builder-failure.ts';
import { MAX_LINE_LENGTH, MAX_LINES } from './printed-lines.ts';
import { MAX_NAMED_PACKAGES } from './selection-failure.ts';

const exited2 = { state: 'exited', exitCode: 2 } as const;
const blameless = /This is not a fault of your request$/;
const fault = (stderr: string, more: Partial<EndedStage> = {}): FailureParts =>
  classifyFailure({ stage: 'image', ended: exited2, stdout: '', stderr, ...more });

interface Expectation {
  readonly stage?: EndedStage['stage'];
  /** Null: it ended with status 0 and made what was asked for. */
  readonly kind: BuildErrorKind | null;
  /** With status 0 and without an image. */
  readonly noImage?: true;
  readonly missing?: readonly string[];
  readonly conflicting?: readonly string[];
  readonly detail?: RegExp;
}

const good: Expectation = { kind: null };
const mirror = (detail: RegExp): Expectation => ({ kind: 'upstream_unavailable', detail });
const noSuchProfile: Expectation = { kind: 'unsupported', detail: /^Unsupported profile: nosuch\./ };
const brokenScript: Expectation = { kind: 'build_failed', detail: /script of ibtest-badpostinst failed$/ };
const twoConflict: Expectation = { kind: 'conflict', conflicting: ['ibtest-conflict-a', 'ibtest-conflict-b'] };

const expectations = new Map<string, Expectation>(
  Object.entries({
    // Of files that a build before it left in the tree, which apk took for packages.
    'a-again': { kind: 'internal', detail: /working tree was disturbed/ },
    'a-brokendep': { kind: 'unknown_package', missing: ['libdoesnotexist'] },
    'a-clash': { kind: 'conflict', conflicting: ['dropbear', 'ibtest-clash'] },
    'a-conflict': twoConflict,
    'a-corrupt': mirror(/ibtest-corrupt-1\.0-r1 could not be fetched whole/),
    'a-dnsmasq': good,
    'a-huge': { kind: 'image_too_big' },
    'a-image': good,
    'a-image-warm': good,
    'a-info': good,
    'a-manifest': good,
    'a-missing': { kind: 'unknown_package', missing: ['nosuchpkg'] },
    'a-postinst': brokenScript,
    'a-profile': noSuchProfile,
    'conc-a': { kind: 'internal', detail: /working tree was disturbed/ },
    'conc-b': { kind: 'internal', detail: /working tree was disturbed/ },
    'image-huge': { kind: 'image_too_big' },
    'image-missing': { kind: 'unknown_package', missing: ['nosuchpkg'] },
    'image-postinst': brokenScript,
    'image-profile': noSuchProfile,
    'image-warm': good,
    info: good,
    manifest: good,
    'manifest-abi': good,
    'manifest-brokendep': { kind: 'unknown_package', missing: ['libdoesnotexist'] },
    'manifest-clash': { kind: 'conflict', conflicting: ['dnsmasq', 'dnsmasq-full'] },
    'manifest-conflict': twoConflict,
    // What opkg let through is for shared/upstream/one-sided-conflicts.ts: it printed nothing.
    'manifest-fw': good,
    'manifest-missing': { kind: 'unknown_package', missing: ['nosuchpkg'] },
    'manifest-profile': noSuchProfile,
    // Ended with 0, from other feeds or an older list than were ordered.
    'n-404': mirror(/nope\/Packages\.gz could not be fetched/),
    'n-apk-down': mirror(/packages\/packages\.adb could not be fetched/),
    'n-apk-nokey': mirror(/signature of \S+packages\.adb is not one that is trusted/),
    'n-apk-offline-warm': mirror(/packages\.adb could not be fetched/),
    'n-down': mirror(/ath79\/generic\/packages\/Packages\.gz could not be fetched/),
    'n-offline-warm': mirror(/ath79\/generic\/packages\/Packages\.gz could not be fetched/),
    'n-sig': mirror(/signature of a package list is wrong/),
    'n-warmup': good,
    't-big': { kind: 'image_too_big', noImage: true },
    // Made with fd 8 closed, so the reason was never printed.
    't-big2': { kind: 'no_sysupgrade', noImage: true },
    't-big3': { kind: 'no_sysupgrade', noImage: true },
    't-big4': { kind: 'image_too_big', noImage: true },
    't-corrupt': mirror(/package ibtest-corrupt is not the one/),
    't-image': good,
    't-info': good,
    't-nokernel': { kind: 'no_sysupgrade', detail: /no kernel/ },
    'x-files': good,
    'x-part': good,
    'x-wild': good,
  } satisfies Record<string, Expectation>),
);

/** `fixtures/` always; the uncut logs, of which they are pieces, where the samples lie beside the project. */
const places = [
  new URL('./fixtures/', import.meta.url),
  new URL('../../../shared/samples/imagebuilder-logs/', import.meta.url),
].filter((place) => existsSync(place));

describe.each(places.map((place, at) => [at === 0 ? 'pieces' : 'whole logs', place] as const))('%s', (_, place) => {
  const read = (file: string) => (existsSync(new URL(file, place)) ? readFileSync(new URL(file, place), 'utf8') : '');
  const names = new Set(
    readdirSync(place)
      .filter((file) => /\.(?:out|err)$/.test(file))
      .map((file) => file.slice(0, -4)),
  );

  test('there is an expectation for every log, and a log for every expectation', () => {
    expect([...names].sort()).toEqual([...expectations.keys()].sort());
  });

  test.each([...expectations])('%s', (name, expected) => {
    const output = { stdout: read(`${name}.out`), stderr: read(`${name}.err`) };
    const era: Era = /^(?:a-|n-apk)/.test(name) ? 'apk' : 'opkg';
    const stage = /image|^t-|^conc|huge|postinst|^x-/.test(name) ? 'image' : 'manifest';
    // With the era and without: who calls may not know it yet.
    for (const more of [{}, { era }]) {
      const unread = findUnreadFeed({ ...output, ...more });
      if (expected.kind === null) {
        expect(unread).toBeNull();
        continue;
      }
      const verdict = expected.noImage
        ? classifyMissingImage({ ...output, ...more })
        : classifyFailure({ stage, ended: exited2, ...output, ...more });
      expect(verdict).toMatchObject({
        kind: expected.kind,
        missingPackages: expected.missing ?? [],
        conflictingPackages: expected.conflicting ?? [],
      });
      if (expected.detail) expect(verdict.detail).toMatch(expected.detail);
      const isOurs = ['upstream_unavailable', 'internal'].includes(expected.kind);
      expect(blameless.test(verdict.detail)).toBe(isOurs);
      if (['n-404', 'n-offline-warm'].includes(name)) expect(unread).toMatchObject(verdict);
    }
  });
});

test('the sentence of a selection names what is missing and what conflicts', () => {
  const missing = 'Collected errors:\n * opkg_install_cmd: Cannot install package nosuchpkg.\n';
  expect(fault(missing).detail).toBe('Error: Impossible package selection: missing (nosuchpkg)');
  const conflict =
    'Collected errors:\n * check_conflicts_for: The following packages conflict with b:\n * check_conflicts_for: \ta * \n';
  expect(fault(conflict).detail).toBe('Error: Impossible package selection: conflicts (a, b)');
});

describe('faults of the machine win over what they led to', () => {
  test.each<[line: string, kind: BuildErrorKind]>([
    ["cp: error writing '/builder/tree/x': No space left on device", 'disk_full'],
    ['tar: ./usr/bin/x: Cannot write: No space left on device', 'disk_full'],
    ['bash: line 1: echo: write error: No space left on device', 'disk_full'],
    ['gzip: stdout: No space left on device', 'disk_full'],
    ['ERROR: vim-9.1-r1: failed to extract usr/bin/vim: No space left on device', 'disk_full'],
    [' * copy_file: Unable to write to /builder/tree/tmp/x: No space left on device.', 'disk_full'],
    ["OSError: [Errno 28] No space left on device: '/builder/tree/x'", 'disk_full'],
    ['Write failed because No space left on device', 'disk_full'],
    ['FATAL ERROR:  Probably out of space on output filesystem', 'disk_full'],
    ["mkdir: cannot create directory 'x': Disk quota exceeded", 'disk_full'],
    ['mksquashfs: Cannot allocate memory', 'internal'],
    ['FATAL ERROR:  Out of memory (cache_alloc)', 'internal'],
    ['/bin/sh: 1: Cannot fork', 'internal'],
    ['bash: fork: retry: Resource temporarily unavailable', 'internal'],
    ['make[3]: vfork: Resource temporarily unavailable', 'internal'],
    ['make[3]: *** [image.mk:426: root.squashfs] Killed', 'internal'],
    ['make[3]: *** [image.mk:426: root.squashfs] Error 137', 'internal'],
    ['bash: line 1:  1234 Killed                  mksquashfs4 root', 'internal'],
    ['Killed', 'internal'],
    ['cat: x: Input/output error', 'internal'],
    ["touch: cannot touch 'x': Read-only file system", 'internal'],
    ['Prerequisite check failed. Use FORCE=1 to override.', 'internal'],
    ['prlimit: failed to execute make: No such file or directory', 'internal'],
    ['/bin/sh: 1: make: not found', 'internal'],
  ])('%s', (line, kind) => {
    const stderr = `${line}\nCollected errors:\n * opkg_install_cmd: Cannot install package vim.\n`;
    for (const text of [stderr, stderr.replaceAll('\n', '\r\n'), `\u001b[1;31m${stderr}\u001b[0m`])
      expect(fault(text)).toMatchObject({ kind, missingPackages: [], detail: expect.stringMatching(blameless) });
  });
});

describe('a disk on which opkg finds too little room is ours, though it says of the package what it says of none', () => {
  const cannot = (name: string) => ` * opkg_install_cmd: Cannot install package ${name}.`;
  const tooLittle = (name: string) =>
    ` * verify_pkg_installable: Only have 14196kb available on filesystem /builder/tree/build_dir/target-mips_24kc_musl/root-ath79, pkg ${name} needs 31660`;

  test.each<[string, string[]]>([
    ['of one package', [tooLittle('samba4-libs'), cannot('samba4-libs')]],
    ['of several', [tooLittle('a'), cannot('a'), tooLittle('b'), cannot('b')]],
    ['of a dependency', [tooLittle('samba4-libs'), ' * opkg_install_cmd: Cannot install package samba4-server.']],
    ['beside a name that nobody has', [cannot('nosuchpkg'), tooLittle('a'), cannot('a')]],
  ])('%s', (_, lines) => {
    const end = 'make[2]: *** [Makefile:163: package_install] Error 255\nmake: *** [Makefile:262: image] Error 2';
    expect(fault(['Collected errors:', ...lines, end].join('\n'), { era: 'opkg' })).toMatchObject({
      kind: 'disk_full',
      missingPackages: [],
      detail: expect.stringMatching(blameless),
    });
  });
});

describe('what a script prints is not what a tool says', () => {
  const scriptFailed = [
    'Collected errors:',
    ' * pkg_run_script: package "hostile" postinst script returned status 1.',
    ' * opkg_configure: hostile.postinst returned 1.',
    'make[2]: *** [Makefile:189: package_install] Error 255',
    'make[1]: *** [Makefile:144: _call_image] Error 2',
    'make: *** [Makefile:262: image] Error 2',
  ].join('\n');
  const apkScriptFailed = [
    'postinst script ./lib/apk/db/hostile-1.0-r1.X179ab4ec47d7.post-install has failed with exit code 1',
    'make[2]: *** [Makefile:267: prepare_rootfs] Error 1',
    'make[1]: *** [Makefile:184: _call_image] Error 2',
  ].join('\n');

  test.each([
    'No space left on device',
    'hostile says: sorry, No space left on device!',
    'Failed to download the list of servers',
    'Failed to download hostile.',
    " * opkg_install_pkg: Failed to download hostile. Perhaps you need to run 'opkg update'?",
    ' * verify_pkg_installable: Only have 1kb available on filesystem /, pkg hostile needs 2',
    'Collected errors:\n * opkg_download: Failed to download http://x/y.ipk, wget returned 4.\nnow the script goes on',
    'warning: Signature check failed. Go on anyway.',
    'out of memory',
    'the process was Killed',
    "rm: cannot remove '/builder/tree/build_dir/target-x/root-x/etc/y': No such file or directory",
    'Profile "x" does not exist!',
    '  nosuchpkg (no such package):',
    'make[2]: *** [Makefile:1: prepare_rootfs] Error 1',
    'image is too big',
  ])('opkg: %s', (words) => {
    const expected = { kind: 'build_failed', detail: expect.stringMatching(/installation script of hostile failed$/) };
    expect(fault(`${words}\n${scriptFailed}`)).toMatchObject(expected);
    // Whatever the tool says in the other stream.
    expect(fault(scriptFailed, { stdout: `cp: x: No space left on device\n${words}` })).toMatchObject(expected);
  });

  test.each([
    'ERROR: unable to select packages:\n  nosuchpkg (no such package):\n    required by: world[nosuchpkg]',
    'ERROR: hostile-1.0-r1: unexpected end of file',
    'ERROR: hostile=1.0-r1: unexpected end of file',
    'ERROR: hostile-1.0-r1: trying to overwrite etc/passwd owned by base-files-1.',
    'ERROR: wget: exited with error 4',
    'error: everything is out of space?',
    'Profile "x" does not exist!',
    'WARNING: updating and opening a file of mine: not found',
  ])('apk, whose scripts run after packages were installed: %s', (words) => {
    expect(fault(`${words}\n${apkScriptFailed}`, { era: 'apk' })).toMatchObject({
      kind: 'build_failed',
      detail: expect.stringMatching(/installation script of hostile failed$/),
    });
  });

  test('a script that prints words of opkg does not hide that a package could not be fetched', () => {
    const stderr = [
      'make[2]: *** [Makefile:1: prepare_rootfs] Error 1',
      'Collected errors:',
      ' * opkg_install_cmd: Cannot install package vim.',
      'Collected errors:',
      ' * opkg_download: Failed to download http://x/vim.ipk, wget returned 8.',
      ' * opkg_install_cmd: Cannot install package vim.',
      'make[2]: *** [Makefile:189: package_install] Error 255',
      'make[1]: *** [Makefile:144: _call_image] Error 2',
    ].join('\n');
    expect(fault(stderr).kind).toBe('upstream_unavailable');
    // Nor where make ends without a word.
    expect(fault(stderr.split('\n').slice(0, -2).join('\n')).kind).toBe('upstream_unavailable');
  });

  test('lines of the other era do not count where the era is known', () => {
    expect(fault('*** Failed to download the package list from http://x/', { era: 'apk' }).kind).toBe('build_failed');
    expect(fault('WARNING: updating and opening http://x/: IO', { era: 'opkg' }).kind).toBe('build_failed');
  });
});

describe('a file system that is full in the image is the user’s, one that is full under it is ours', () => {
  const ext4 = 'error: ext4_allocate_best_fit_partial: failed to allocate 8198 blocks, out of space?';
  test.each<[string, string, BuildErrorKind]>([
    ['the image', ext4, 'image_too_big'],
    ['the disk', 'make_ext4fs: write: No space left on device', 'disk_full'],
    ['both', `${ext4}\ncp: error writing 'x': No space left on device`, 'disk_full'],
    ['a partition', 'file-system partition too big (more than 12844992 bytes): Success', 'image_too_big'],
  ])('%s', (_, stderr, kind) => {
    expect(fault(stderr).kind).toBe(kind);
    expect(classifyMissingImage({ stdout: '', stderr }).kind).toBe(kind);
    expect(saysTooBig({ stdout: '', stderr })).toBe(/too big|out of space\?/.test(stderr));
  });
});

describe('what was measured goes before what was printed', () => {
  const missing = 'Collected errors:\n * opkg_install_cmd: Cannot install package vim.\n';
  const kind = 'upstream_unavailable';
  const trouble = [{ url: 'https://mirror.example/base/vim.ipk', what: 'answered with 503', kind }] as const;

  test.each<[Overrun['bound'], BuildErrorKind, RegExp]>([
    ['memory', 'internal', /used more memory than/],
    ['processes', 'internal', /used more processes than/],
    ['disk', 'internal', /used more disk space than/],
    ['free space', 'disk_full', /no space left/],
  ])('a bound on %s that was hit is ours, whatever else there was', (bound, kind, detail) => {
    const verdict = fault(missing, { trouble, overrun: { bound } });
    expect(verdict).toMatchObject({ kind, missingPackages: [], detail: expect.stringMatching(detail) });
    expect(verdict.detail).toMatch(blameless);
    expect(classifyMissingImage({ stdout: '', stderr: '', overrun: { bound } }).kind).toBe(kind);
  });

  test('what the proxy could not give is the reason, and named, unless the machine was at fault', () => {
    expect(fault(missing, { trouble, overrun: null })).toMatchObject({
      kind: 'upstream_unavailable',
      missingPackages: [],
      detail: expect.stringContaining('(https://mirror.example/base/vim.ipk answered with 503)'),
    });
    expect(fault("cp: error writing 'x': No space left on device", { trouble }).kind).toBe('disk_full');
    const ofOurs = { url: 'https://mirror.example/x', what: 'could not be stored', kind: 'disk_full' } as const;
    expect(fault(missing, { trouble: [...trouble, ofOurs] }).kind).toBe('disk_full');
    expect(classifyMissingImage({ stdout: '', stderr: 'x too big', trouble }).kind).toBe('upstream_unavailable');
  });

  test('a list that the proxy could not give spoils a build that ended well; a script’s own request does not', () => {
    const ended = { stdout: '', stderr: '' };
    expect(findUnreadFeed({ ...ended, trouble })).toBeNull();
    for (const file of ['Packages.gz', 'Packages.sig', 'packages.adb']) {
      const unread = findUnreadFeed({
        ...ended,
        trouble: [{ url: `https://m.example/${file}`, what: 'was cut off', kind }],
      });
      expect(unread).toMatchObject({ kind: 'upstream_unavailable', detail: expect.stringContaining(file) });
    }
  });

  test('a URL that a script asked for is cut, and printable', () => {
    const url = `http://127.0.0.1:8000/\u001b[31m\n${'x'.repeat(10_000)}`;
    expect(fault('', { trouble: [{ url, what: '', kind }] }).detail).toMatch(/^[ -~]{1,600}$/);
  });
});

test.each(['Signature check failed.', 'Signature file download failed.'])(
  '%s spoils a build that ended well',
  (line) => {
    expect(findUnreadFeed({ stdout: '', stderr: `${line}\nRemove wrong Signature file.\n` })?.kind).toBe(
      'upstream_unavailable',
    );
  },
);

test('a make that was killed, and a make info that failed, are ours', () => {
  expect(fault('', { ended: { state: 'signalled', signal: 'SIGKILL' } }).kind).toBe('internal');
  expect(fault('', { stage: 'info' }).kind).toBe('internal');
});

describe('a stage that would do the same for anybody', () => {
  const cannot = 'Collected errors:\n * opkg_install_cmd: Cannot install package vim.';
  const inside = (...recipes: string[]) =>
    recipes.map((recipe, at) => `make[${recipes.length - at}]: *** [Makefile:1: ${recipe}] Error 1`).join('\n');

  test.each([
    [inside('_check_keys')],
    [inside('package_reload', '_call_image')],
    [inside('package_index', 'package_reload', '_call_manifest')],
    [inside('json_overview_image_info', '_call_image')],
    [inside('checksum', '_call_image')],
    [inside('_call_image')],
    [inside('_call_manifest')],
  ])('fails of nothing that was asked for: %s', (lines) => {
    for (const stderr of [lines, `${cannot}\n${lines}`, `image is too big\n${lines}`])
      expect(fault(`${stderr}\nmake: *** [Makefile:357: image] Error 2`)).toMatchObject({
        kind: 'internal',
        missingPackages: [],
        detail: expect.stringMatching(blameless),
      });
  });

  test.each([
    [inside('package_install', '_call_image'), 'unknown_package'],
    [inside('a stage', '_call_image'), 'unknown_package'],
    [inside('package_install', '_call_image').replace('Error 1', 'Segmentation fault'), 'unknown_package'],
    [`${inside('checksum')}\na script goes on\n${inside('prepare_rootfs', '_call_image')}`, 'build_failed'],
    [`${inside('_call_image')}\na script goes on\n${inside('a_new_stage', '_call_image')}`, 'unknown_package'],
  ])('is not blamed for another: %s', (lines, kind) => {
    expect(fault(`${cannot}\n${lines}\nmake: *** [Makefile:357: image] Error 2`).kind).toBe(kind);
  });
});

test('what nobody knows is shown with its output', () => {
  expect(fault('make: *** [x] Error 1')).toMatchObject({
    kind: 'build_failed',
    detail: 'Error: Error while building firmware. See stdout/stderr',
  });
});

describe('names', () => {
  const opkg = (...lines: string[]) => fault(['Collected errors:', ...lines].join('\n'), { era: 'opkg' });
  const apk = (...lines: string[]) => fault(['ERROR: unable to select packages:', ...lines].join('\n'), { era: 'apk' });

  test.each<[string, FailureParts, BuildErrorKind, string[], string[]]>([
    [
      'a package that something keeps out is not missing',
      opkg(
        ' * satisfy_dependencies_for: Cannot satisfy the following dependencies for asterisk:',
        ' * \tlibpj (>= 2)',
        ' * \tlibsrtp2',
        ' * opkg_install_cmd: Cannot install package asterisk.',
      ),
      'unknown_package',
      ['libpj', 'libsrtp2'],
      [],
    ],
    [
      'a package that a conflict of its dependency keeps out is not missing',
      opkg(
        ' * check_conflicts_for: The following packages conflict with b:',
        ' * check_conflicts_for: \ta * ',
        ' * opkg_install_cmd: Cannot install package needs-b.',
      ),
      'conflict',
      [],
      ['a', 'b'],
    ],
    [
      'two missing ones are told once each, sorted',
      opkg(...['x', 'b', 'x'].map((name) => ` * opkg_install_cmd: Cannot install package ${name}.`)),
      'unknown_package',
      ['b', 'x'],
      [],
    ],
    [
      'what stands against a package may go on in the next line',
      apk('  a-1.0-r1:', '    conflicts: b-2[v] c-3-r1[v]', '               d-4[v]', '    satisfies: world[a]'),
      'conflict',
      [],
      ['a', 'b', 'c', 'd'],
    ],
    [
      'a version that the outside asks for is no package',
      apk('  a-1.0-r1:', '    breaks: world[a=2]'),
      'conflict',
      [],
      ['a'],
    ],
    ['a name that is none for us is not told', apk('  so:libx.so.1 (no such package):'), 'unknown_package', [], []],
    ['nor is what looks like a package file', apk('  evil.apk (no such package):'), 'unknown_package', [], []],
  ])('%s', (_, verdict, kind, missingPackages, conflictingPackages) => {
    expect(verdict).toMatchObject({ kind, missingPackages, conflictingPackages });
    expect(verdict.detail.startsWith('Error: Impossible package selection')).toBe(true);
  });

  test('are bounded in number', () => {
    const many = Array.from({ length: 5000 }, (__, n) => `  p${n} (no such package):`);
    expect(apk(...many).missingPackages).toHaveLength(MAX_NAMED_PACKAGES);
  });

  test('in any text are names of packages', () => {
    const name = fc.oneof(fc.constantFrom('vim', 'a-1.0-r1', 'x.ipk', '../x', '$(id)', '\u001b[1mx'), fc.string());
    const line = fc
      .tuple(
        fc.constantFrom(
          ' * opkg_install_cmd: Cannot install package %.',
          ' * pkg_hash_check_unresolved: cannot find dependency % for x',
          ' * check_conflicts_for: The following packages conflict with %:',
          '  % (no such package):',
          '  %:',
          '    conflicts: %',
          'ERROR: %: trying to overwrite x owned by %.',
          'Collected errors:',
          'ERROR: unable to select packages:',
          'Profile "%" does not exist!',
          '%',
        ),
        name,
      )
      .map(([pattern, text]) => pattern.replaceAll('%', () => text));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 30 }), (lines) => {
        const verdict = fault(lines.join('\n'));
        for (const told of [...verdict.missingPackages, ...verdict.conflictingPackages])
          expect(isPackageName(told)).toBe(true);
        if (['unknown_package', 'conflict', 'unsupported'].includes(verdict.kind))
          expect(verdict.detail).toMatch(/^[ -~]{1,500}/);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('work is bounded', () => {
  const patterns = [...MACHINE_FAULTS, ...MIRROR_FAULTS].map(({ pattern }) => pattern);

  test.each(patterns.map((pattern) => [pattern.source, pattern] as const))(
    'one whole line, and linear by construction: %s',
    (source, pattern) => {
      expect([source.startsWith('^'), source.endsWith('$'), pattern.flags]).toEqual([true, true, '']);
      // In each way through the alternatives there is one `.*`, and no quantifier is over a group that has one.
      for (const way of source.split('|')) expect(way.match(/\.\*/g)?.length ?? 0).toBeLessThanOrEqual(1);
      expect(source).not.toMatch(/[*+]\)[*+]/);
    },
  );

  test('of an endless output both ends are read, and of an endless line its beginning', () => {
    const noise = 'x\n'.repeat(MAX_LINES * 3);
    const missing = 'Collected errors:\n * opkg_install_cmd: Cannot install package vim.\n';
    expect(fault(noise + missing).kind).toBe('unknown_package');
    expect(fault(`cp: x: No space left on device\n${noise}`).kind).toBe('disk_full');
    expect(fault(noise + missing + noise + noise).kind).toBe('build_failed');
    expect(fault(`${'x'.repeat(MAX_LINE_LENGTH)}: No space left on device`).kind).toBe('build_failed');
  });

  test.each([
    ['one line without end', 'x: '.repeat(1_000_000)],
    ['nothing but line ends', '\n'.repeat(4_000_000)],
    ['nothing but carriage returns', '\r'.repeat(4_000_000)],
    ['a progress bar without end', '1%\r'.repeat(1_500_000)],
    ['colours without end', '\u001b['.repeat(2_000_000)],
    ['a line of colours that never end', `\u001b[${'0;'.repeat(2_000_000)}`],
    ['many lines that nearly match', `x: x: x: No space left on devic\n`.repeat(100_000)],
    ['many names', `Collected errors:\n${' * opkg_install_cmd: Cannot install package x.\n'.repeat(50_000)}`],
    [
      'a solver without end',
      `ERROR: unable to select packages:\n  a-1:\n${`    conflicts: ${'b-1[x] '.repeat(500)}\n`.repeat(500)}`,
    ],
    ['no line at all', ''],
  ])('%s is judged', (_, text) => {
    expect(fault(text, { stdout: text })).toMatchObject({ kind: expect.any(String) });
    findUnreadFeed({ stdout: text, stderr: text });
  });
});
