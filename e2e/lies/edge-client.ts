/** What reaches the edge of a liar's reports. */
import { foremanClient as honestClient } from '../../farm/membership/edge-client.ts';
import type { LeaseReport } from '../../shared/gen/asu/farm/v1/foreman_pb.js';
import { lie } from './lies.ts';

export { callHeaders, type ForemanClient, type Membership } from '../../farm/membership/edge-client.ts';

export const foremanClient: typeof honestClient = (...of) => {
  const client = honestClient(...of);
  // The agent has made them whole.
  const told = async (reports: readonly unknown[] = []) => ({
    reports: await lie.reports([...reports] as LeaseReport[]),
  });
  return {
    ...client,
    report: async ({ reports }, options) => client.report(await told(reports), options),
    completeUploads: async ({ leaseId = '', files = [], report }, options) => {
      const along = report && lie.isToldAlong ? { report: await told(report.reports) } : {};
      return client.completeUploads({ leaseId, files, ...along }, options);
    },
  };
};
