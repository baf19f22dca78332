/**
 * A real file system that fills at each step of a build, and has room again afterwards: a fault of ours, no half file that later
 * counts as whole, and a node that is still able to speak of what it holds.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { BuildStep } from '../../shared/gen/asu/farm/v1/build_pb.js';
import type { BuildEvent } from '../agent/build-event.ts';
import { failedReport, progressReport } from '../agent/node-report.ts';
import { Outbox } from '../agent/outbox.ts';
import { build } from '../build/build.ts';
import { demoOrder } from '../build/demo-order.fixture.ts';
import { testWorkshop } from '../build/test-workshop.fixture.ts';
import { openDatabase } from '../db/open-database.ts';
import { type DemoMirror, generateMirror } from '../demo/generate-mirror.ts';
import { type MirrorServer, serveMirror } from '../demo/mirror-server.ts';

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn('SKIPPED, LOUDLY: a file system that fills in the middle of a build needs root');

const ROOM = '4g';
let root: string;
let mirror: DemoMirror;
let server: MirrorServer;
/** A file system of its own, which takes only the memory that is written. */
let disk: string;

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'full-disk-'));
  mirror = await generateMirror({ directory: path.join(root, 'mirror') });
  server = await serveMirror(mirror.directory);
});
afterAll(async () => {
  await server.close();
  await rm(root, { recursive: true, maxRetries: 5 });
});

const remount = (size: string): void =>
  void execFileSync('mount', ['-t', 'tmpfs', '-o', `remount,size=${size}`, 'tmpfs', disk]);

/** Leaves so many KiB. */
async function fill(leftKib: number): Promise<void> {
  const { blocks, bfree, bsize } = await statfs(disk);
  // Zero would be no limit at all.
  remount(`${Math.max(64, ((blocks - bfree) * bsize) / 1024 + leftKib)}k`);
}

describe.skipIf(!isRoot)('a disk that is full', () => {
  beforeEach(async () => {
    disk = await mkdtemp(path.join(root, 'disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${ROOM}`, 'tmpfs', disk]);
  });
  afterEach(() => {
    execFileSync('umount', ['-l', disk]);
  });

  const orderOf = (era: 'opkg' | 'apk', leaseId: string) =>
    demoOrder({ mirror, server }, era, { addPackages: ['vim'], removePackages: [] }, { leaseId });

  const STEPS = [
    BuildStep.DOWNLOAD_IMAGEBUILDER,
    BuildStep.UNPACK_IMAGEBUILDER,
    BuildStep.CONTAINER_SETUP,
    BuildStep.BUILDING_IMAGE,
  ];
  const LEFT_KIB = { opkg: 0, apk: 256 } as const;
  const cases = (['opkg', 'apk'] as const).flatMap((era) =>
    STEPS.map((step) => [era, BuildStep[step], LEFT_KIB[era], step] as const),
  );

  test.each(cases)(
    '%s, from %s on, with %i KiB left: ours, and the same build succeeds once there is room',
    async (era, _, leftKib, step) => {
      const workshop = await testWorkshop(path.join(disk, 'state'));
      try {
        const run = async (
          leaseId: string,
          onStep: (step: BuildStep) => Promise<void>,
        ): Promise<BuildEvent | undefined> => {
          let last: BuildEvent | undefined;
          const signal = new AbortController().signal;
          for await (const event of build(await orderOf(era, leaseId), { workshop, signal })) {
            if (event.type === 'step') await onStep(event.step);
            last = event;
          }
          return last;
        };
        let isFull = false;
        const first = await run('lease-full', async (now) => {
          if (isFull || now !== step) return;
          isFull = true;
          await fill(leftKib);
        });
        expect(isFull, 'the step was seen').toBe(true);
        // What came too late to be in the way has succeeded; there is nothing between that and the disk's fault.
        if (first?.type === 'failed') expect(first.failure.kind, first.failure.detail).toBe('disk_full');
        else expect(step).toBe(BuildStep.BUILDING_IMAGE);
        remount(ROOM);
        await workshop.removeWorkspace('lease-full');
        expect(await workshop.workspaces.entries()).toEqual([]);
        const second = await run('lease-room', async () => undefined);
        expect(second, JSON.stringify(second).slice(0, 2_000)).toMatchObject({ type: 'succeeded' });
      } finally {
        await workshop.close();
      }
    },
  );

  test('keeps no node from speaking of what it holds, and what it said is written when there is room', async () => {
    const file = path.join(disk, 'node.sqlite');
    const open = () => {
      const { db, close } = openDatabase(file);
      return { db, close, outbox: new Outbox(db, 'https://edge.example') };
    };
    const { outbox, close } = open();
    outbox.take('ends', 'hash', 1);
    outbox.take('is told', 'hash', 1);
    outbox.take('runs', 'hash', 1);
    const progress = progressReport({ step: BuildStep.BUILDING_IMAGE, bytesDone: 0, bytesTotal: 0 });
    const failure = failedReport({
      kind: 'disk_full',
      detail: 'x'.repeat(200_000),
      stdout: '',
      stderr: '',
      missingPackages: [],
      conflictingPackages: [],
      durationMs: 5,
    });
    await fill(0);
    await writeFile(path.join(disk, 'ballast'), Buffer.alloc(1 << 20)).catch(() => undefined);
    const sequences = Array.from({ length: 200 }, () => Number(outbox.progress('runs', progress).sequence));
    expect(sequences).toEqual(sequences.map((_, at) => at + 1));
    outbox.finish('ends', failure);
    outbox.forget('is told');
    expect(outbox.unacknowledged()).toMatchObject([{ leaseId: 'ends', sequence: 1n }]);
    expect(() => outbox.take('another', 'x'.repeat(200_000), 1), 'nothing new is begun').toThrow();
    remount(ROOM);
    outbox.progress('runs', progress);
    close();
    const after = open();
    expect(after.outbox.unacknowledged()).toMatchObject([{ leaseId: 'ends', sequence: 1n }]);
    expect(after.outbox.unfinished()).toEqual(['runs']);
    expect(after.outbox.progress('runs', progress).sequence).toBe(202n);
    after.close();
  });
});
