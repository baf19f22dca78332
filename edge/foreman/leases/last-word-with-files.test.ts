import { evictDurableObject } from 'cloudflare:test';
import { describe, expect, it, vi } from 'vitest';
import { EVENTUALLY } from '../../../shared/eventually.fixture.ts';
import type { BuildOrder } from '../../../shared/gen/asu/farm/v1/build_pb.js';
import { LeaseStanding } from '../../../shared/gen/asu/farm/v1/foreman_pb.js';
import { foremanStats, foremanStub } from '../../edge.fixture.ts';
import {
  call,
  type FarmNode,
  fileOf,
  good,
  IMAGE_NAME,
  put,
  report,
  signedReport,
  succeeded,
} from '../../nodes/farm-node.fixture.ts';
import { nextOrder, withOrder } from './orders.fixture.ts';

let node: FarmNode;
let other: FarmNode;
let order: BuildOrder;

withOrder((ordered) => {
  ({ node, other, order } = ordered);
});

describe('the last word along with the files', () => {
  const file = fileOf(IMAGE_NAME, 'an image');
  const statusOf = async () => (await foremanStub().status([order.requestHash]))[0];
  const send = async () => {
    const { grants } = await good(node, 'requestUploads', { leaseId: order.leaseId, files: [file] });
    await put(node, grants[0]?.path ?? '', 'an image');
  };
  const complete = async (sequence = 1, { by = node, more = [] as object[] } = {}) => {
    const last = await signedReport(node, order.leaseId, sequence, succeeded([file]));
    return call(by, 'completeUploads', {
      leaseId: order.leaseId,
      files: [file],
      report: { reports: [last, ...more] },
    });
  };
  const ended = (sequence = 1n) => ({
    message: {
      lost: [],
      report: {
        acknowledgements: [{ leaseId: order.leaseId, sequence, standing: LeaseStanding.ENDED }],
        nextReportAfterMs: expect.any(Number),
      },
    },
  });

  it('ends the build, in one call', async () => {
    await send();
    const before = (await foremanStats()).calls;
    expect(await complete()).toMatchObject(ended());
    const { calls } = await foremanStats();
    expect([calls.upload, calls.report]).toEqual([(before.upload ?? 0) + 1, before.report]);
    await vi.waitFor(async () => expect((await statusOf())?.state).toBe('done'), EVENTUALLY);
  });

  it('comes again with the same answer, the first one having been lost', async () => {
    await send();
    await complete();
    expect(await complete()).toMatchObject(ended());
    await evictDurableObject(foremanStub());
    expect(await complete()).toMatchObject(ended());
  });

  it('is not heard while a file is lost', async () => {
    await good(node, 'requestUploads', { leaseId: order.leaseId, files: [file] });
    expect(await complete()).toMatchObject({ message: { lost: [IMAGE_NAME] } });
    expect(await complete()).not.toMatchObject({ message: { report: expect.anything() } });
    expect((await statusOf())?.state).toBe('running');
    await send();
    expect(await complete()).toMatchObject(ended());
  });

  it('is not heard of a lease that ended before its files were complete', async () => {
    await send();
    await report(node, order.leaseId, 1, { case: 'failed', value: { kind: 'internal' } });
    expect(await complete(2)).toMatchObject({ code: 'failed_precondition', error: expect.stringContaining('is over') });
  });

  it('is not another node’s to say', async () => {
    await send();
    const mine = { code: 'failed_precondition', error: expect.stringContaining('this node holds no such lease') };
    expect(await complete(1, { by: other })).toMatchObject(mine);
    await complete();
    expect(await complete(1, { by: other }), 'nor once the files are complete').toMatchObject(mine);
  });

  it('is taken beside what other builds are at', async () => {
    const first = order;
    const second = await nextOrder(node);
    order = first;
    await send();
    const more = [await signedReport(node, second.leaseId, 1, { case: 'progress', value: { step: 8 } })];
    const answer = await complete(1, { more });
    const told = 'message' in answer ? answer.message.report?.acknowledgements : [];
    expect(told?.map(({ leaseId, standing }) => [leaseId, standing])).toEqual([
      [first.leaseId, LeaseStanding.ENDED],
      [second.leaseId, LeaseStanding.ACTIVE],
    ]);
  });

  it('is refused among too many, and nothing is complete', async () => {
    await send();
    const more = Array.from({ length: 256 }, () => ({ leaseId: 'none', sequence: 1n }));
    expect(await complete(1, { more })).toMatchObject({
      code: 'invalid_argument',
      error: expect.stringContaining('reports: expected at most 256, got 257'),
    });
    expect(await good(node, 'requestUpload', { leaseId: order.leaseId, file })).toMatchObject({ complete: false });
  });
});
