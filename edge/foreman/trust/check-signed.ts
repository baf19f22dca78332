/** Is what a node reports signed by it, in the words that this edge would have it in? Asked before its report counts for anything. */
import type { AcceptedResult } from '../../../shared/build/accept-result.ts';
import type { BuildErrorKind } from '../../../shared/build/build-error.ts';
import { checkStatement, type StatementCheck } from '../../../shared/trust/check-statement.ts';
import { statedRequest } from '../../../shared/trust/stated-request.ts';
import { failureStatement, imageStatement, type OrderedBuild } from '../../../shared/trust/statement.ts';
import type { BuildRow, LeaseRow, NodeRow } from '../schema.ts';

/** A report, and what it is about. */
export interface Reported {
  readonly node: NodeRow;
  readonly lease: LeaseRow;
  readonly build: BuildRow;
  /** The envelope, as it came. */
  readonly statement: Uint8Array;
}

export const checkSignedImage = (reported: Reported, result: AcceptedResult): Promise<StatementCheck> =>
  checkStatement(
    reported.statement,
    imageStatement(orderedBuild(reported), {
      files: result.files,
      manifest: result.manifest,
      sourceDateEpoch: result.device.sourceDateEpoch,
    }),
    reported.node,
  );

export const checkSignedFailure = (reported: Reported, kind: BuildErrorKind): Promise<StatementCheck> =>
  checkStatement(reported.statement, failureStatement(orderedBuild(reported), kind), reported.node);

const orderedBuild = ({ node, lease, build }: Reported): OrderedBuild => ({
  requestHash: build.requestHash,
  leaseId: lease.id,
  nodeId: node.id,
  request: statedRequest(build.request),
  pins: lease.pins,
});
