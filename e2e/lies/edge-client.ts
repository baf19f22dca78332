/** What reaches the edge of a liar's reports. */
import { foremanClient as honestClient } from '../../farm/edge-client.ts';
import type { LeaseReport } from '../../shared/gen/asu/farm/v1/foreman_pb.js';
import { lie } from './lies.ts';

export { callHeaders, type ForemanClient, type Membership } from '../../farm/edge-client.ts';

export const foremanClient: typeof honestClient = (...of) => {
  const client = honestClient(...of);
  return {
    ...client,
    // The agent has made them whole.
    report: async ({ reports = [] }, options) =>
      client.report({ reports: await lie.reports(reports as LeaseReport[]) }, options),
  };
};
