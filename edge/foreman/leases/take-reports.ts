/**
 * All that a node reports in one call, one report after the other. Whoever waits is woken for what comes of it: what goes back to the
 * queue with nobody woken would lie there until some node happens to ask anew.
 */
import { fromBinary } from '@bufbuild/protobuf';
import { ReportRequestSchema } from '../../../shared/gen/asu/farm/v1/foreman_pb.js';
import { reportPauseMs } from '../../../shared/node/report-pause.ts';
import type { Refused, ReportAnswer } from '../foreman-answers.ts';
import type { ForemanState } from '../foreman-state.ts';
import type { Surroundings } from '../rounds.ts';
import { type Acknowledgement, type Aftermath, takeReport } from './take-report.ts';

/** `reports`: a serialised ReportRequest. */
export async function takeReports(
  state: ForemanState,
  nodeId: string,
  reports: Uint8Array,
  { rooms, rounds, now }: Surroundings,
): Promise<ReportAnswer | Refused> {
  await rounds.untilLogIsRead();
  const node = state.nodes.present(nodeId, null, now());
  if ('refused' in node) return node;
  const { stateChanges } = state.nodes;
  const aftermath: Aftermath = { failures: [] };
  const acknowledged: Acknowledgement[] = [];
  for (const report of fromBinary(ReportRequestSchema, reports).reports) {
    acknowledged.push(await takeReport(state, node, report, aftermath, now()));
    // At once, since somebody may be woken while the next report is taken: its waiting question is older than that, and a node that
    // stops would be given this very build again.
    if (report.event.case === 'handedBack') rooms.dismiss(nodeId);
  }
  const hasStateChanged = state.nodes.stateChanges !== stateChanges;
  rooms.wake(nodeId);
  rounds.chores.cacheFailures(aftermath.failures);
  rounds.chores.start('publishAll');
  if (state.checks.settling()) rounds.chores.start('mindChecks');
  // A build may have gone back to the queue.
  if (!hasStateChanged) rooms.waiting.wakeSome();
  else {
    rooms.wakeForChanged();
    rounds.chores.start('settleOrphaned', 'withdraw');
  }
  await rounds.setAlarm();
  return { acknowledged, nextReportAfterMs: pauseMs(state, now()) };
}

/** So long the node is asked to wait with what its builds are at. */
function pauseMs({ farmSize, config }: ForemanState, now: number): number {
  return reportPauseMs(farmSize.reporting(now), config.REPORTS_PER_MINUTE, config.LEASE_SECONDS * 1000);
}
