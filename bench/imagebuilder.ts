/**
 * `npm run bench -- --imagebuilder`: a node's pipeline beside bare make in an unpacked tree, in turn in one run, with a near
 * and a far mirror. What is compared and what the figures mean: docs/benchmarks.md.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Workshop } from '../farm/build/workshop.ts';
import { type DemoMirror, type DemoRelease, generateMirror } from '../farm/demo/generate-mirror.ts';
import { type MirrorServer, serveMirror } from '../farm/demo/mirror-server.ts';
import { type Fence, probeFence } from '../farm/fence/fence.ts';
import { type BareTree, warmTrees } from './imagebuilder/bare-make.ts';
import { type NodeBuild, nodeBuild, openWorkshop, orderOf } from './imagebuilder/node-builds.ts';
import { type Figures, printFigures } from './imagebuilder/report.ts';
import { WISH } from './imagebuilder/wish.ts';

export interface ImageBuilderBenchOptions {
  readonly rounds: number;
  /** Builds at once in the parallel cases. */
  readonly parallel: number;
  /** To the mirror, of each answer. */
  readonly latenciesMs: readonly number[];
  /** Noise that each image compresses: the demo's own images weigh next to nothing. */
  readonly weightsMib: readonly number[];
}

interface Place extends ImageBuilderBenchOptions {
  readonly root: string;
  readonly mirror: DemoMirror;
  readonly server: MirrorServer;
  readonly fence: Fence;
}

export async function benchImageBuilder(options: ImageBuilderBenchOptions, signal: AbortSignal): Promise<void> {
  const root = await mkdtemp(path.join(os.tmpdir(), 'asu-bench-'));
  try {
    const fence = await probeFence(root);
    console.log(`${fence.told} Load average ${(os.loadavg()[0] ?? 0).toFixed(1)}.`);
    for (const weightMib of options.weightsMib) {
      const directory = path.join(root, `mirror-${weightMib}`);
      const mirror = await generateMirror({ directory, weightMib });
      const server = await serveMirror(directory);
      try {
        await benchMirror({ ...options, root, mirror, server, fence }, `${weightMib} MiB to compress`, signal);
      } finally {
        await server.close();
      }
    }
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function benchMirror(place: Place, weight: string, signal: AbortSignal): Promise<void> {
  for (const era of ['opkg', 'apk'] as const)
    for (const latencyMs of place.latenciesMs) {
      const release = place.mirror.releases.find((candidate) => candidate.era === era);
      if (!release) throw new Error(`expected a demo release of era ${era}, got none`);
      place.server.setLatency(latencyMs);
      const figures = await measure(place, release, signal);
      printFigures(`${era}, mirror ${latencyMs} ms away, ${weight}`, figures, place.parallel);
    }
}

async function measure(place: Place, release: DemoRelease, signal: AbortSignal): Promise<Figures> {
  const { root, mirror, server, fence, rounds, parallel } = place;
  const directory = await mkdtemp(path.join(root, 'round-'));
  const trees = await warmTrees(parallel, { mirror, mirrorUrl: server.url, release, directory, wish: WISH });
  const workshop = await openWorkshop(path.join(directory, 'state'), fence, mirror);
  const order = () => orderOf(mirror, server.url, release, WISH);
  const figures: Figures = { cold: [], warm: [], bare: [], sequence: [], warmAtOnce: [], bareAtOnce: [] };
  try {
    await nodeBuild(await order(), workshop);
    for (let round = 0; round < rounds; round++) {
      signal.throwIfAborted();
      figures.cold.push(await coldBuild(place, release, path.join(directory, `cold-${round}`)));
      // In turn, so that whatever the machine does to one it does to the other.
      figures.bare.push(await (trees[0] as BareTree).image());
      figures.warm.push(await nodeBuild(await order(), workshop));
      figures.sequence.push(await (trees[0] as BareTree).sequence());
      figures.bareAtOnce.push(await atOnce(trees.map((tree) => () => tree.image())));
      const orders = await Promise.all(trees.map(order));
      figures.warmAtOnce.push(await atOnce(orders.map((each) => () => nodeBuild(each, workshop))));
    }
    return figures;
  } finally {
    await workshop.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Download, signature, unpacking, warming, and the first image; nothing is there before. */
async function coldBuild(place: Place, release: DemoRelease, stateDirectory: string): Promise<NodeBuild> {
  const workshop: Workshop = await openWorkshop(stateDirectory, place.fence, place.mirror);
  try {
    return await nodeBuild(await orderOf(place.mirror, place.server.url, release, WISH), workshop);
  } finally {
    await workshop.close();
    await rm(stateDirectory, { recursive: true, force: true });
  }
}

/** Seconds until the last of them has ended. */
async function atOnce(work: readonly (() => Promise<unknown>)[]): Promise<number> {
  const startedMs = performance.now();
  await Promise.all(work.map((each) => each()));
  return (performance.now() - startedMs) / 1000;
}
