/** The lies that a node can tell, by name. Each is what is done differently from an honest node, and nothing else is. */
import { createHash } from 'node:crypto';
import { appendFile, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { clone } from '@bufbuild/protobuf';
import type { BuildEvent, BuildOutput, OutputFile } from '../../farm/agent/build-event.ts';
import { NOTHING_BUILT } from '../../farm/agent/fulfil-order.ts';
import { type LeaseReport, LeaseReportSchema } from '../../shared/gen/asu/farm/v1/foreman_pb.js';

type Succeeded = Extract<BuildEvent, { readonly type: 'succeeded' }>;

interface Lie {
  outcome(event: Succeeded): Promise<BuildEvent>;
  readonly uploads: boolean;
  /** Does its last word come along with the last file? Else by itself, as an older node says it. */
  readonly isToldAlong: boolean;
  reports(reports: LeaseReport[]): Promise<LeaseReport[]>;
}

const HONEST: Lie = {
  outcome: async (event) => event,
  uploads: true,
  isToldAlong: true,
  reports: async (reports) => reports,
};

/** Stands in each image that a liar has changed. */
export const TAMPER_MARK = 'and what nobody asked for';

/** Longer than a lease of the tests. */
const LATE_MS = 25_000;

/** By this process. */
let built = 0;

export const LIES = {
  /** All fits, and the image is another one. Liars who tell this one agree with each other. */
  'another image': {
    ...HONEST,
    outcome: async (event) => ({ ...event, result: await tampered(event.result) }),
  },
  /** The right image, uploaded and called something else. */
  'a wrong digest': {
    ...HONEST,
    reports: async (reports) => reports.map(withWrongDigests),
  },
  'a digest that was never uploaded': { ...HONEST, uploads: false },
  'a false failure': {
    ...HONEST,
    outcome: async () => ({
      type: 'failed',
      failure: { ...NOTHING_BUILT, kind: 'build_failed', detail: 'Error: Impossible package selection' },
    }),
  },
  /** Says that of its own build about the lease whose id is in the file. */
  "another's lease": {
    ...HONEST,
    reports: async (reports) => {
      const leaseId = (await readFile(process.env.ASU_LIE_ABOUT ?? '', 'utf8')).trim();
      const lies = leaseId === '' ? [] : reports.map((report) => ({ ...report, leaseId, sequence: 1_000_000n }));
      return [...reports, ...lies];
    },
  },
  /** Builds honestly at first, and another image each second time. */
  'now and then': {
    ...HONEST,
    outcome: async (event) => (++built % 2 === 0 ? { ...event, result: await tampered(event.result) } : event),
  },
  /** Says nothing until its lease is over, and then another image. */
  'a late word': {
    ...HONEST,
    isToldAlong: false,
    outcome: async (event) => ({ ...event, result: await tampered(event.result) }),
    reports: async (reports) => {
      if (reports.some(({ event }) => event.case === 'succeeded')) await sleep(LATE_MS);
      return reports.filter(({ event }) => event.case !== 'progress');
    },
  },
} satisfies Record<string, Lie>;

export type LieName = keyof typeof LIES;

/** That of this process. */
export const lie: Lie = LIES[process.env.ASU_LIE as LieName] ?? HONEST;

async function tampered(result: BuildOutput): Promise<BuildOutput> {
  const files: OutputFile[] = [];
  for (const file of result.files) {
    const isImage = result.images.some(({ name }) => name === file.name);
    if (isImage) await appendFile(file.path, TAMPER_MARK);
    const bytes = await readFile(file.path);
    files.push({ ...file, sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });
  }
  const images = result.images.map((image) => {
    const file = files.find(({ name }) => name === image.name);
    return file ? { ...image, sizeBytes: file.sizeBytes, sha256: file.sha256 } : image;
  });
  return { ...result, files, images };
}

function withWrongDigests(report: LeaseReport): LeaseReport {
  const changed = clone(LeaseReportSchema, report);
  if (changed.event.case === 'succeeded')
    for (const named of [...changed.event.value.files, ...changed.event.value.images]) named.sha256 = 'ab'.repeat(32);
  return changed;
}
