import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BuildStep } from '../../shared/gen/asu/farm/v1/build_pb.js';
import { openDatabase } from '../db/open-database.ts';
import { failedReport, handedBackReport, progressReport } from './node-report.ts';
import { Outbox } from './outbox.ts';

let directory: string;
let close = () => {};

beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'asu-outbox-'));
});
afterEach(async () => {
  close();
  await rm(directory, { recursive: true, force: true });
});

/** As a new process finds it. */
function reopen(edgeUrl = 'https://edge.example'): Outbox {
  close();
  const opened = openDatabase(path.join(directory, 'node.sqlite'));
  close = opened.close;
  return new Outbox(opened.db, edgeUrl);
}

const progress = progressReport({ step: BuildStep.BUILDING_IMAGE, bytesDone: 0, bytesTotal: 0 });
const failure = failedReport({
  kind: 'build_failed',
  detail: 'x',
  stdout: '',
  stderr: '',
  missingPackages: [],
  conflictingPackages: [],
  durationMs: 5,
});

test('the end of a lease outlives the process, until it is acknowledged', () => {
  let outbox = reopen();
  outbox.take('lease-1', 'hash', 1);
  outbox.finish('lease-1', failure);
  outbox = reopen();
  expect(outbox.unfinished()).toEqual([]);
  expect(outbox.unacknowledged().map((report) => [report.leaseId, report.event.case])).toEqual([['lease-1', 'failed']]);
  outbox.forget('lease-1');
  expect(reopen().unacknowledged()).toEqual([]);
});

test('a lease without an end is found by the next process', () => {
  reopen().take('lease-1', 'hash', 1);
  expect(reopen().unfinished()).toEqual(['lease-1']);
});

test('the first end is the end', () => {
  const outbox = reopen();
  outbox.take('lease-1', 'hash', 1);
  outbox.finish('lease-1', failure);
  outbox.finish('lease-1', handedBackReport('too late'));
  expect(outbox.unacknowledged().map((report) => report.event.case)).toEqual(['failed']);
});

test('sequences grow with every report, over a restart too, and never fall behind', () => {
  let outbox = reopen();
  outbox.take('lease-1', 'hash', 1);
  expect([outbox.progress('lease-1', progress).sequence, outbox.progress('lease-1', progress).sequence]).toEqual([
    1n,
    2n,
  ]);
  outbox = reopen();
  outbox.finish('lease-1', failure);
  expect(outbox.unacknowledged()[0]?.sequence).toBe(3n);
});

test('taking a lease that is known changes nothing: its order was sent twice', () => {
  const outbox = reopen();
  outbox.take('lease-1', 'hash', 1);
  outbox.finish('lease-1', failure);
  outbox.take('lease-1', 'hash', 2);
  expect(outbox.unacknowledged()).toHaveLength(1);
});

test('what one edge is to be told is not told to another, and is not forgotten meanwhile', () => {
  const outbox = reopen();
  outbox.take('lease-1', 'hash', 1);
  outbox.finish('lease-1', failure);
  outbox.take('lease-2', 'hash', 1);
  const elsewhere = reopen('https://another.example');
  expect([elsewhere.unacknowledged(), elsewhere.unfinished()]).toEqual([[], []]);
  const back = reopen();
  expect([back.unacknowledged().length, back.unfinished()]).toEqual([1, ['lease-2']]);
});

test('what was built is taken up by the next processes, three times and then no more, and an end is still an end', () => {
  const built = {
    name: 'a build',
    requestHash: 'ab'.repeat(32),
    deadlineMs: 7,
    files: [{ name: 'image.bin', path: '/work/image.bin', sizeBytes: 3, sha256: 'ab'.repeat(32) }],
    lastWord: failure,
    durationMs: 5,
    isPrivate: true,
  };
  let outbox = reopen();
  outbox.take('lease-1', 'hash', 1);
  outbox.take('lease-2', 'hash', 1);
  outbox.keepBuilt('lease-1', built);
  expect(outbox.takeUp('lease-2')).toBeNull();
  for (let starts = 1; starts <= 3; starts += 1) {
    outbox = reopen();
    expect(outbox.unfinished()).toEqual(['lease-1', 'lease-2']);
    expect(outbox.takeUp('lease-1'), `start ${starts}`).toEqual(built);
  }
  expect(reopen().takeUp('lease-1')).toBeNull();
});
