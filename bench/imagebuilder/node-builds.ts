/** The same image by a node's own pipeline: build() in a workshop, as an agent calls it. */
import { createHash, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { create } from '@bufbuild/protobuf';
import { build } from '../../farm/build/build.ts';
import { Workshop } from '../../farm/build/workshop.ts';
import type { DemoMirror, DemoRelease } from '../../farm/demo/generate-mirror.ts';
import type { Fence } from '../../farm/fence/fence.ts';
import { StepTimer } from '../../farm/metrics/step-timer.ts';
import { type BuildOrder, BuildOrderSchema } from '../../shared/gen/asu/farm/v1/build_pb.js';
import { GIB } from '../../shared/text/byte-size.ts';
import type { Wish } from './wish.ts';

const DEADLINE_MS = 600_000;

export interface NodeBuild {
  readonly seconds: number;
  readonly secondsOfStep: ReadonlyMap<string, number>;
  readonly memoryBytes: number;
  readonly diskBytes: number;
}

export const openWorkshop = async (stateDirectory: string, fence: Fence, mirror: DemoMirror): Promise<Workshop> =>
  await Workshop.open({
    stateDirectory,
    fence,
    trust: { keys: [mirror.publicKey], allowUnsigned: false, keysSetting: '--upstream-keys', gpgKeyFile: null },
    diskBytes: 20 * GIB,
    reserveBytes: 0,
    mirrorRedirectsTo: [],
    tell: () => {},
  });

/** @throws Error where the build fails */
export async function nodeBuild(order: BuildOrder, workshop: Workshop): Promise<NodeBuild> {
  const startedMs = performance.now();
  const timer = new StepTimer();
  const peaks = { memoryBytes: 0, diskBytes: 0 };
  const events = build(order, {
    workshop,
    signal: new AbortController().signal,
    onFault: (fault) => console.error(fault),
    onPeaks: ({ memoryBytes, diskBytes }) => {
      peaks.memoryBytes = Math.max(peaks.memoryBytes, memoryBytes);
      peaks.diskBytes = Math.max(peaks.diskBytes, diskBytes);
    },
  });
  for await (const event of events) {
    if (event.type === 'step') timer.step(event.step, performance.now());
    if (event.type === 'failed')
      throw new Error(`expected an image, got ${event.failure.kind}: ${event.failure.detail}`);
  }
  const endedMs = performance.now();
  await workshop.removeWorkspace(order.leaseId);
  return { seconds: (endedMs - startedMs) / 1000, secondsOfStep: timer.end(endedMs), ...peaks };
}

/** A new lease for the same image each time. */
export async function orderOf(
  mirror: DemoMirror,
  mirrorUrl: string,
  release: DemoRelease,
  wish: Wish,
): Promise<BuildOrder> {
  const target = release.targets.find((candidate) => candidate.target === wish.target);
  if (!target) throw new Error(`expected the demo to have ${wish.target}, got none`);
  const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
  const archive = await readFile(path.join(mirror.directory, target.imageBuilder));
  return create(BuildOrderSchema, {
    leaseId: randomUUID(),
    requestHash: sha256(Buffer.from(wish.profile)),
    attempt: 1,
    deadlineMs: BigInt(Date.now() + DEADLINE_MS),
    inputs: {
      distro: 'openwrt',
      version: release.version,
      target: wish.target,
      profile: wish.profile,
      addPackages: [...wish.packages],
      revision: release.revision,
      imageBuilder: { url: `${mirrorUrl}/${target.imageBuilder}`, sha256: sha256(archive) },
      versionUrl: `${mirrorUrl}/${release.path}`,
    },
  });
}
