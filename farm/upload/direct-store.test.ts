import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openDatabase } from '../db/open-database.ts';
import { BegunUploads } from './begun-uploads.ts';
import { DirectStore } from './direct-store.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'asu-direct-store-'));
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(directory, { recursive: true, force: true });
});

test.each([
  ['is right', 2026],
  ['is set back by ten years meanwhile', 2016],
  ['is set on by ten years meanwhile', 2036],
])('a store that has refused rests for ten minutes on a machine whose clock %s', (_, year) => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'], now: Date.UTC(2026, 0) });
  const { db, close } = openDatabase(path.join(directory, 'node.sqlite'));
  const place = { endpoint: 'http://store.example', bucket: 'b', region: 'r', accessKeyId: 'a', secretAccessKey: 's' };
  const store = new DirectStore({ place, begun: new BegunUploads(db), log: () => {} });
  expect(store.isOpen).toBe(true);
  store.refuse('it has no room');
  vi.setSystemTime(Date.UTC(year, 0));
  expect(store.isOpen).toBe(false);
  vi.advanceTimersByTime(599_000);
  expect(store.isOpen).toBe(false);
  vi.advanceTimersByTime(2_000);
  expect(store.isOpen).toBe(true);
  close();
});
