import { expect, it } from 'vitest';
import { QuietHosts } from './quiet-hosts.ts';

const url = 'http://mirror.example/base/Packages.gz';

it('a host that kept silent is left alone for a while, twice as long each time, until it answers', () => {
  let nowMs = 0;
  const hosts = new QuietHosts(() => nowMs);
  expect(hosts.reason(url)).toBeNull();
  for (const forMs of [10_000, 20_000, 40_000, 80_000, 80_000]) {
    hosts.keptSilent(url, 'the connection failed');
    // Another that waited at the same time does not make it longer.
    hosts.keptSilent(url, 'the connection failed');
    nowMs += forMs - 1;
    expect(hosts.reason('http://mirror.example/other')).toContain('the connection failed');
    nowMs += 1;
    expect(hosts.reason(url)).toBeNull();
    expect(hosts.isSuspect(url)).toBe(true);
  }
  hosts.answered(url);
  expect(hosts.isSuspect(url)).toBe(false);
  hosts.keptSilent(url, 'again');
  nowMs += 10_000;
  expect(hosts.reason(url)).toBeNull();
});

it('another host or port is another matter, and there are never too many to remember', () => {
  const hosts = new QuietHosts(() => 0);
  for (let at = 0; at < 1000; at++) hosts.keptSilent(`http://h${at}.example/`, 'gone');
  expect(hosts.reason('http://h999.example/')).not.toBeNull();
  expect(hosts.reason('http://h999.example:8080/')).toBeNull();
  expect(hosts.isSuspect('http://h0.example/')).toBe(false);
});
