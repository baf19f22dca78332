/** The record of an image that was just decided: from what was asked for, what was given to the node and what it made of that. */
import type { AcceptedResult } from '../../../shared/build/accept-result.ts';
import type { BuildRecord } from '../../../shared/build/build-record.ts';
import { unindexedNames } from '../../../shared/build/freshness.ts';
import { isPrivate } from '../../../shared/request/normalize-request.ts';
import type { Agreement } from '../../../shared/trust/quorum.ts';
import { rebuildCommand } from '../../../shared/trust/rebuild-command.ts';
import { statedRequest } from '../../../shared/trust/stated-request.ts';
import type { ForemanState } from '../foreman-state.ts';
import type { BuildRow, LeaseRow, NodeRow } from '../schema.ts';
import { attestersOf } from '../trust/attesters-of.ts';

/** What the node that said the last word had, and made of it. */
export interface Made {
  readonly node: NodeRow;
  readonly lease: LeaseRow;
  readonly result: AcceptedResult;
  readonly unindexed: readonly string[];
}

export function decidedRecord(
  state: ForemanState,
  build: BuildRow,
  { node, lease, result, unindexed }: Made,
  decision: Agreement,
  now: number,
): BuildRecord {
  const secret = isPrivate(build.request);
  return {
    format: 1,
    requestHash: build.requestHash,
    intentHash: build.intentHash,
    generation: build.generation,
    request: { ...build.request, defaultsMac: '' },
    echo: build.echo,
    private: secret,
    pins: lease.pins,
    leaseId: lease.id,
    nodeId: node.id,
    nodeName: node.name,
    operator: node.operator,
    attesters: attestersOf(state, build.requestHash, decision.attesters),
    files: decision.by === 'trusted' ? result.files : imagesOf(result),
    images: result.images,
    manifest: result.manifest,
    unindexed,
    device: result.device,
    // Not what one volunteer says that it ran: it would be shown to every user.
    buildCommand:
      decision.by === 'trusted' ? result.buildCommand : rebuildCommand(statedRequest(build.request), build.requestHash),
    circumstances: result.circumstances,
    enqueuedAt: build.enqueuedAt,
    publishedAt: now,
    durationMs: result.durationMs,
    expiresAt: secret ? now + state.config.PRIVATE_IMAGE_HOURS * 3_600_000 : null,
  };
}

/** Of a quorum only what all of them said: the other files are one volunteer's. */
const imagesOf = ({ files, images }: AcceptedResult): AcceptedResult['files'] =>
  files.filter(({ name }) => images.some((image) => image.name === name));

/** Names that upstream's indexes do not know now. Where they cannot be read, none: a rebuild too many, never one too few. */
export async function unindexedAtPublication(
  state: ForemanState,
  build: BuildRow,
  result: AcceptedResult,
): Promise<readonly string[]> {
  const { version, target, repositories } = build.request;
  const targetDocument = await state.catalogue.target(version, target);
  if (targetDocument.state !== 'found') return [];
  const arch = await state.catalogue.arch(version, targetDocument.document.archPackages);
  if (arch.state !== 'found') return [];
  const feeds = repositories.length > 0 ? 'foreign too' : 'upstream only';
  return unindexedNames(result.manifest, targetDocument.document, arch.document, feeds);
}
