/**
 * The proof: an image of the demo distribution is built on this machine, of each era, by the very code that builds for
 * routers. Whatever the other checks cannot think of (a security module, a broken make, an odd file system) shows here.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { create } from '@bufbuild/protobuf';
import { type BuildOrder, BuildOrderSchema } from '../../../shared/gen/asu/farm/v1/build_pb.js';
import { printable } from '../../../shared/text/printable.ts';
import type { BuildEvent } from '../../agent/build-event.ts';
import { build } from '../../build/build.ts';
import { Workshop } from '../../build/workshop.ts';
import { type DemoMirror, generateMirror } from '../../demo/generate-mirror.ts';
import { serveMirror } from '../../demo/mirror-server.ts';
import type { Era } from '../../demo/releases-table.ts';
import { defaultBounds } from '../../fence/bounds.ts';
import { missingHostTools } from '../../imagebuilder/host-tools.ts';
import { type Check, type Finding, ok, type Patient, problem } from '../check.ts';
import { withTemporaryDirectory } from '../temporary-directory.ts';

const PATIENCE_MS = 300_000;
const TARGET = 'demo/generic';
const PROFILE = 'acme_ax3000-v1';
/** Adding and removing, and a package with an installation script. */
const PACKAGES = { addPackages: ['vim'], removePackages: ['ppp-mod-pppoe'] };

export const demoBuildCheck: Check = {
  id: 'build',
  patienceMs: PATIENCE_MS,
  isHeavy: true,
  run: async (patient) => {
    const missing = await missingHostTools('demo');
    if (missing.length > 0)
      return problem('no image can be built without the tools that are missing', 'install them and run it again');
    // Not below the state directory: a node may be running there.
    return withTemporaryDirectory(await realTemporaryDirectory(), 'asu-doctor-build-', (directory) =>
      buildBoth(directory, patient),
    );
  },
};

/** make cannot work below every path; see checkStateDirectory. */
const realTemporaryDirectory = async (): Promise<string> => (/^\/[\w/.-]*$/.test(os.tmpdir()) ? os.tmpdir() : '/tmp');

async function buildBoth(directory: string, patient: Patient): Promise<Finding[]> {
  const mirror = await generateMirror({ directory: path.join(directory, 'mirror') });
  const server = await serveMirror(mirror.directory);
  try {
    const workshop = await Workshop.open({
      stateDirectory: path.join(directory, 'state'),
      trust: { keys: [mirror.publicKey], allowUnsigned: false, keysSetting: 'the demo mirror', gpgKeyFile: null },
      // The disk itself is the bound: what is made here is gone in a moment.
      diskBytes: Number.MAX_SAFE_INTEGER,
      reserveBytes: 0,
      mirrorRedirectsTo: [],
      // Tried anew: this may be another file system than the node's.
      bounds: { ...defaultBounds(os.totalmem()), freeBytes: 0 },
      tell: () => {},
    });
    try {
      const findings: Finding[] = [];
      for (const era of ['opkg', 'apk'] as const)
        findings.push(await buildOne(era, await orderOf(mirror, era, server.url), workshop, patient.signal));
      return findings;
    } finally {
      await workshop.close();
    }
  } finally {
    await server.close();
  }
}

async function buildOne(era: Era, order: BuildOrder, workshop: Workshop, signal: AbortSignal): Promise<Finding> {
  signal.throwIfAborted();
  const startedMs = performance.now();
  let fault: unknown;
  let last: BuildEvent | undefined;
  const onFault = (error: unknown) => {
    fault = error;
  };
  for await (const event of build(order, { workshop, signal, onFault })) last = event;
  signal.throwIfAborted();
  return judgeBuild(era, last, (performance.now() - startedMs) / 1000, fault);
}

async function orderOf(mirror: DemoMirror, era: Era, mirrorUrl: string): Promise<BuildOrder> {
  const release = mirror.releases.find((candidate) => candidate.era === era);
  const target = release?.targets.find((candidate) => candidate.target === TARGET);
  if (!release || !target) throw new Error(`expected ${TARGET} of era ${era} in the demo, got none`);
  const archive = await readFile(path.join(mirror.directory, target.imageBuilder));
  return create(BuildOrderSchema, {
    leaseId: `doctor-${era}`,
    requestHash: '0'.repeat(64),
    attempt: 1,
    deadlineMs: BigInt(Date.now() + PATIENCE_MS),
    inputs: {
      distro: 'openwrt',
      version: release.version,
      target: TARGET,
      profile: PROFILE,
      ...PACKAGES,
      revision: release.revision,
      imageBuilder: {
        url: `${mirrorUrl}/${target.imageBuilder}`,
        sha256: createHash('sha256').update(archive).digest('hex'),
      },
      versionUrl: `${mirrorUrl}/${release.path}`,
    },
  });
}

export function judgeBuild(era: Era, last: BuildEvent | undefined, seconds: number, fault?: unknown): Finding {
  if (last?.type === 'succeeded')
    return ok(`an image of the demo (${era}) was built in ${seconds.toFixed(1)} s, with its ImageBuilder fetched`);
  const failure = last?.type === 'failed' ? last.failure : undefined;
  const reasons = [
    failure?.detail ?? 'it did not say how it ended',
    fault instanceof Error ? fault.message : undefined,
    lastLine(failure?.stderr),
  ];
  return problem(
    `no image of the demo (${era}) could be built: ${reasons
      .filter((reason) => reason !== undefined && reason !== '')
      .map((reason) => printable(reason ?? '', 300))
      .join('; ')}`,
    'mend what the other lines name; if they name nothing, please report this one',
  );
}

const lastLine = (text: string | undefined): string | undefined => text?.trim().split('\n').at(-1);
