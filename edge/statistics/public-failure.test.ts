import { describe, expect, it, test } from 'vitest';
import { failureRecord } from '../../shared/build/build-record.fixture.ts';
import { submission } from '../foreman/foreman.fixture.ts';
import { keptFailure, publicFailure } from './public-failure.ts';

const { request } = submission();
const kept = (fields: Parameters<typeof failureRecord>[0], packages: string[] = [], removed: string[] = []) =>
  keptFailure(failureRecord(fields), { ...request, addPackages: packages, removePackages: removed });
const lines = (stderr: string) => kept({ stderr }).lastLines;

test('a failure tells where it happened, its kind, and the last lines of its log', () => {
  const failure = failureRecord({ detail: 'Error: it failed', stderr: '1\n2\n3\n\n4\n5\n6\n', stdout: 'out' });
  expect(keptFailure(failure, request)).toEqual({
    at: failure.failedAt,
    distro: 'openwrt',
    version: '24.10.2',
    target: 'x86/64',
    profile: 'generic',
    kind: failure.kind,
    detail: 'Error: it failed',
    lastLines: ['2', '3', '4', '5', '6'],
    names: [],
  });
  expect(kept({ stderr: ' \n', stdout: 'a\nb' }).lastLines).toEqual(['a', 'b']);
});

describe('it tells nothing of', () => {
  it.each<[string, string, string]>([
    ['hashes', `build ${'0a'.repeat(32)} failed`, 'build (hash) failed'],
    ['URLs', 'get https://user:pw@feeds.example:8443/x?y=z#q failed', 'get (url) failed'],
    ['IPv4 addresses', 'connect to 192.0.2.1:8080 failed', 'connect to (address):8080 failed'],
    ['IPv6 addresses', 'connect to [2001:db8::1]:80 failed', 'connect to [(address)]:80 failed'],
    ['short IPv6 addresses', 'from fe80::1 to ::1, fe80::', 'from (address) to (address), (address)'],
    ['hardware addresses', 'eth0 aa:bb:cc:dd:ee:ff', 'eth0 (address)'],
    ['paths', "cd '/home/bob/.asu/work/x' && cat /etc/passwd", "cd '(path)/x' && cat (path)/passwd"],
    ['directories', "make: Entering directory '/srv/builder/'", "make: Entering directory '(path)/'"],
    ['control characters', '\u001b[31mred\u0007\u202e', '[31mred'],
  ])('%s', (_, line, told) => {
    expect(lines(line)).toEqual([told]);
    expect(kept({ detail: line }).detail).toBe(told);
  });
});

test.each([
  'at 12:34:56 it failed',
  'bin/targets/x86/64 and x86/64 or /tmp',
  'r28427-6df0e3d02a 24.10.2 6.6.93',
  'make[2]: *** [Makefile:12: package_install] Error 255',
  'std: a and b:c',
])('what is none of these stays: %s', (line) => {
  expect(lines(line)).toEqual([line]);
});

test('a log without end costs no more than its end', () => {
  const [line] = lines(`${'/'.repeat(1_000_000)}${'a:'.repeat(500_000)}${'-'.repeat(500_000)}x`);
  expect(line?.length).toBeLessThanOrEqual(300);
  for (const hard of [
    '/a'.repeat(4_000),
    ':'.repeat(8_000),
    'f:'.repeat(4_000),
    '.-'.repeat(4_000),
    '0.'.repeat(4_000),
  ])
    expect(lines(`${hard}!`).join('').length).toBeLessThanOrEqual(300);
});

describe('names that hardly anybody asks for', () => {
  const failure = kept(
    {
      detail: 'Error: Impossible package selection: missing (secret-plan, curl)',
      stderr: 'cannot install secret-plan.\nsecret-plan-1.2-r3.apk: not found; secret-planner is another\ncurl: yes',
    },
    ['curl', 'secret-plan', 'unsaid'],
    ['hidden-too'],
  );

  it('are hidden, with a version behind them or not, and nothing else is', () => {
    expect(failure.names).toEqual(['curl', 'secret-plan']);
    const told = publicFailure(failure, (_, name) => ['curl', 'generic'].includes(name));
    expect(told).toMatchObject({
      profile: 'generic',
      detail: 'Error: Impossible package selection: missing ((rare), curl)',
      lastLines: ['cannot install (rare).', '(rare)-1.2-r3.apk: not found; secret-planner is another', 'curl: yes'],
    });
    expect(told).not.toHaveProperty('names');
  });

  it('are told once they are common', () => {
    expect(JSON.stringify(publicFailure(failure, () => true))).not.toContain('(rare)');
  });

  it('may be profiles', () => {
    expect(publicFailure(failure, (what) => what === 'package').profile).toBe('(rare)');
  });
});
