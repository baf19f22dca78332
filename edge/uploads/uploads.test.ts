/** What a trusted node puts into the store by itself is where the edge looks for it, and nothing is completed past its parts. */
import { Code } from '@connectrpc/connect';
import { beforeAll, expect, test } from 'vitest';
import { storeKey } from '../../shared/build/build-record.ts';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import { env, foremanStub, GOOD_REQUEST, openUpstream, post, rowsOf } from '../edge.fixture.ts';
import { type EdgeContext, edgeContext } from '../edge-context.ts';
import { bucket } from '../foreman/foreman.fixture.ts';
import { type FarmNode, joinNode, orderFor } from '../nodes/farm-node.fixture.ts';
import { completeUpload, openUploads, PART_BYTES } from './uploads.ts';

const bytes = new Uint8Array(PART_BYTES + 1);
const file = { name: 'image.bin', sizeBytes: bytes.byteLength, sha256: sha256Hex(bytes) };
let node: FarmNode;
let leases = 0;

beforeAll(async () => {
  await openUpstream();
  node = await joinNode(1);
});

const contextWith = (STORE_PREFIX: string): Promise<EdgeContext> =>
  edgeContext({ ...env, DIRECT_UPLOADS: '1', STORE_PREFIX } as typeof env);

async function newLease(): Promise<string> {
  await post({ ...GOOD_REQUEST, packages: [`wish-${++leases}`] });
  return (await orderFor(node)).leaseId;
}

const stateOf = async (leaseId: string) =>
  (await rowsOf(foremanStub(), 'uploads')).find(({ lease_id }) => lease_id === leaseId)?.state;

test.each(['', 'staging/'])(
  'with the prefix "%s" a file is taken over from where its node was told to put it',
  async (prefix) => {
    const context = await contextWith(prefix);
    const leaseId = await newLease();
    const [grant] = await openUploads(context, node.id, leaseId, [file], true);
    expect(grant?.directKey).toBe(`${prefix}incoming/${node.id}/${leaseId}/${file.name}`);
    // The node has keys of the bucket and knows of no prefix.
    await bucket.put(String(grant?.directKey), bytes);
    await completeUpload(context, node.id, leaseId, file.name, true);
    expect(await stateOf(leaseId)).toBe('complete');
    expect(await bucket.head(prefix + storeKey.object(leaseId, file.name))).toMatchObject({ size: file.sizeBytes });
    expect(await bucket.head(String(grant?.directKey))).toBeNull();
  },
);

test('once a file comes in parts, nothing that lies elsewhere is written in its place', async () => {
  const context = await contextWith('');
  const leaseId = await newLease();
  await openUploads(context, node.id, leaseId, [file], false);
  await bucket.put(storeKey.incoming(node.id, leaseId, file.name), bytes);
  await expect(completeUpload(context, node.id, leaseId, file.name, true)).rejects.toMatchObject({
    code: Code.DataLoss,
  });
  expect(await stateOf(leaseId)).toBe('open');
  expect(await bucket.head(storeKey.object(leaseId, file.name))).toBeNull();
});
