/**
 * All that a node reports in one call, one report after the other. What it led to beyond the tables is told to the caller, who knows
 * who waits: what goes back to the queue with nobody woken would lie there until some node happens to ask anew.
 */
import { fromBinary } from '@bufbuild/protobuf';
import type { FailureRecord } from '../../../shared/build-record.ts';
import { ReportRequestSchema } from '../../../shared/gen/asu/farm/v1/foreman_pb.js';
import type { ForemanState } from '../foreman-state.ts';
import type { NodeRow } from '../schema.ts';
import { type Acknowledgement, type Aftermath, takeReport } from './take-report.ts';

export interface Taken {
  readonly acknowledged: Acknowledgement[];
  /** To be told to whoever asks for the same. */
  readonly failures: readonly FailureRecord[];
  /** Has any node another standing than before? */
  readonly hasStateChanged: boolean;
}

/** `reports`: a serialised ReportRequest. `onHandedBack`: at once, since while the next report is taken somebody may be woken. */
export async function takeReports(
  state: ForemanState,
  node: NodeRow,
  reports: Uint8Array,
  onHandedBack: () => void,
  now: () => number,
): Promise<Taken> {
  const { stateChanges } = state.nodes;
  const aftermath: Aftermath = { failures: [] };
  const acknowledged: Acknowledgement[] = [];
  for (const report of fromBinary(ReportRequestSchema, reports).reports) {
    acknowledged.push(await takeReport(state, node, report, aftermath, now()));
    if (report.event.case === 'handedBack') onHandedBack();
  }
  return { acknowledged, failures: aftermath.failures, hasStateChanged: state.nodes.stateChanges !== stateChanges };
}
