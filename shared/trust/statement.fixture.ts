/** A build that was ordered and what came out of it, with every member filled in, and the keys of those who speak of it. */
import { buildRecord } from '../build/build-record.fixture.ts';
import { signingKey } from '../crypto/ed25519.ts';
import { keyIdOf } from './dsse.ts';
import { statedRequest } from './stated-request.ts';
import type { BuiltOutput, OrderedBuild } from './statement.ts';

export const nodeKey = await signingKey(new Uint8Array(32).fill(1));
export const otherNodeKey = await signingKey(new Uint8Array(32).fill(2));
export const edgeKey = await signingKey(new Uint8Array(32).fill(3));

const record = buildRecord();

export const ordered = (fields: Partial<OrderedBuild> = {}): OrderedBuild => ({
  requestHash: record.requestHash,
  leaseId: 'lease-1',
  nodeId: keyIdOf(nodeKey.publicKey),
  request: statedRequest(record.request),
  pins: {
    revision: 'r28427-6df0e3d02a',
    imageBuilder: { url: 'https://mirror.example/ib.tar.zst', sha256: 'a'.repeat(64) },
    feeds: [
      { name: 'target', sha256: 'b'.repeat(64) },
      { name: 'base', sha256: 'c'.repeat(64) },
    ],
  },
  ...fields,
});

export const output: BuiltOutput = {
  files: record.files,
  manifest: record.manifest,
  sourceDateEpoch: record.device.sourceDateEpoch,
};
