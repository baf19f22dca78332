/**
 * A file that comes in parts, step by step as edge/uploads/upload-in-parts.ts takes one. With the store's least size of a part instead of the
 * edge's own 64 MiB: each of these lives would move as much, and there are two dozen of them.
 */
import { storeKey } from '../../../shared/build/build-record.ts';
import { bytesToHex } from '../../../shared/crypto/digest.ts';
import { env, foremanStub } from '../../edge.fixture.ts';
import type { ForemanCalls } from '../../edge-context.ts';
import { openObjectStore } from '../../storage/open-object-store.ts';
import { type Life, lastOrder, type Step } from '../build-life.fixture.ts';
import type { UploadRow } from '../schema.ts';

const NAME = 'openwrt-x86-64-generic-ext4-combined.img.gz';
const PART_BYTES = 5 * 1024 * 1024;

const store = openObjectStore(env);
const calls = (): ForemanCalls => foremanStub() as unknown as ForemanCalls;

const whole = new Uint8Array(PART_BYTES + 8).fill(7, PART_BYTES);
const partOf = (n: number) => whole.subarray((n - 1) * PART_BYTES, n * PART_BYTES);
const digest = bytesToHex(new Uint8Array(await crypto.subtle.digest('SHA-256', whole)));

export const LARGE_FILE = { name: NAME, sizeBytes: BigInt(whole.length), sha256: digest };

const leaseIdOf = (life: Life): string => lastOrder(life).leaseId;
const keyOf = (life: Life): string => storeKey.object(leaseIdOf(life), NAME);

/** What the Foreman knows of it now; nobody else holds its parts. */
async function grantOf(life: Life): Promise<UploadRow & { readonly multipartId: string }> {
  const answer = await calls().upload(life.second.id, leaseIdOf(life), NAME);
  if (!answer.ok) throw new Error(answer.reason);
  const { multipartId } = answer.upload;
  if (multipartId === null) throw new Error('expected the upload to be one in parts');
  return { ...answer.upload, multipartId };
}

async function open(life: Life): Promise<void> {
  const id = await store.createMultipart(keyOf(life), { sha256: digest });
  const kept = await calls().startMultipart(leaseIdOf(life), NAME, id);
  if (kept !== id) await store.abortMultipart(keyOf(life), id);
}

async function sendPart(life: Life, n: number): Promise<void> {
  const { multipartId } = await grantOf(life);
  const body = partOf(n);
  const { etag } = await store.uploadPart(keyOf(life), multipartId, n, body, { size: body.length });
  await calls().addPart(leaseIdOf(life), NAME, multipartId, n, etag);
}

async function makeWhole(life: Life): Promise<void> {
  const { multipartId, parts } = await grantOf(life);
  const uploaded = Object.entries(parts).map(([n, etag]) => ({ partNumber: Number(n), etag }));
  await store.completeMultipart(keyOf(life), multipartId, uploaded);
}

const granted: Step = [
  'a large file is granted',
  async (life) => {
    const file = { name: NAME, sizeBytes: whole.length, sha256: digest };
    const answer = await calls().grantUploads(life.second.id, leaseIdOf(life), [file]);
    if (!answer.ok) throw new Error(answer.reason);
  },
];
/** With the id that it has at this moment. */
const bound =
  (work: (leaseId: string, name: string, multipartId: string) => Promise<unknown>) =>
  async (life: Life): Promise<unknown> =>
    work(leaseIdOf(life), NAME, (await grantOf(life)).multipartId);

const closed: Step = ['closeUpload', bound((...upload) => calls().closeUpload(...upload))];

export const IN_PARTS: readonly Step[] = [
  granted,
  ['startMultipart', open],
  ['a part', (life) => sendPart(life, 2)],
  closed,
  // As where the whole had another digest.
  ['restartUpload', bound((...upload) => calls().restartUpload(...upload))],
  granted,
  ['startMultipart again', open],
  ['startMultipart, its answer having been lost', open],
  ['the second part', (life) => sendPart(life, 2)],
  ['the first part', (life) => sendPart(life, 1)],
  ['closeUpload again', closed[1]],
  ['a part that is late', bound((...upload) => calls().addPart(...upload, 1, 'of another try'))],
  ['the store makes it whole', makeWhole],
  ['completeUpload', bound((...upload) => calls().completeUpload(...upload))],
];
