import { expect, test } from 'vitest';
import type { ForemanFiles } from './foreman.ts';
import { auditMemory, type Held } from './memory.ts';
import { auditStore } from './store.ts';

const ROWS: ForemanFiles = {
  finding: { what: '', found: '', wrong: [] },
  leasesWithFiles: new Set(['lease-1', 'lease-2']),
  published: new Set(['aa']),
};
const RIGHT = ['objects/lease-1/image.bin', 'objects/lease-2/left.bin', 'builds/aa.json', 'manifests/x.json'];

test('images, and what garbage collection is due to take, may be in the store', () => {
  expect(auditStore(RIGHT, ROWS).wrong).toEqual([]);
});

test.each([
  ['files that nobody will remove', [...RIGHT, 'objects/lease-3/image.bin']],
  ['a file that nobody took over', [...RIGHT, 'incoming/node/lease-1/image.bin']],
  ['a request whose build has ended', [...RIGHT, 'requests/aa.json']],
  ['a record that no table knows', [...RIGHT, 'builds/bb.json']],
  ['no record of what is published', RIGHT.filter((name) => name !== 'builds/aa.json')],
])('%s: that is one thing wrong', (_, names) => {
  expect(auditStore(names, ROWS).wrong).toHaveLength(1);
});

test.each<[string, Held, number]>([
  ['as warm', { residentMib: 100, openFiles: 40 }, 0],
  ['a little more of both', { residentMib: 200, openFiles: 60 }, 0],
  ['much more memory', { residentMib: 300, openFiles: 40 }, 1],
  ['a file for each build', { residentMib: 100, openFiles: 400 }, 1],
])('a node that holds %s', (_, now, wrongs) => {
  const warm = new Map([['trusted-1', { residentMib: 100, openFiles: 40 }]] as const);
  const [finding] = auditMemory(warm, new Map([['trusted-1', now]]));
  expect(finding?.wrong).toHaveLength(wrongs);
});

test('a part that is not there any more is wrong', () => {
  const warm = new Map([['edge', { residentMib: 100, openFiles: 40 }]] as const);
  expect(auditMemory(warm, new Map())[0]?.wrong).toHaveLength(1);
});
