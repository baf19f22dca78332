/**
 * The log of what was published: records that each name the one before by its digest, signed by the edge. Whoever changes, takes
 * away or reorders one has to sign all that follow anew, and whoever kept a head sees it. A private build is in it by a digest
 * that says nothing to who does not have the build's salt.
 */
import { z } from 'zod';
import { hmacSha256Hex, sha256Hex, utf8ToBytes } from '../crypto/digest.ts';
import { canonical } from '../request/canonical.ts';
import { type PublishingRule, publishingRuleSchema } from './attester.ts';
import { canonicalJson } from './canonical-json.ts';
import { hex64 } from './hex64.ts';
import { type ReadSigned, readSigned } from './read-signed.ts';
import { type Subject, subjectsSchema } from './statement.ts';
import { MAX_ATTESTERS } from './summary.ts';

export const LOG_RECORD_TYPE = 'application/vnd.asu.log-record.v1+json';
export const LOG_HEAD_TYPE = 'application/vnd.asu.log-head.v1+json';
/** Told with each head, the last ones first. */
export const MAX_DISOWNED = 1_000;

const sequence = z.int().min(1);
/** As the register has it. */
const nodeId = z.string().min(1).max(64);

const common = {
  sequence,
  /** Of the payload of the record before; zeros before the first. */
  previous_hash: hex64,
  /** Ids of the nodes that vouched for it. */
  attesters: z.array(nodeId).min(1).max(MAX_ATTESTERS),
  policy: publishingRuleSchema,
  time: z.iso.datetime(),
};

const logRecordSchema = z.union([
  z.strictObject({ ...common, request_hash: hex64, subjects: subjectsSchema }),
  z.strictObject({ ...common, withheld: hex64 }),
]);
export type LogRecord = z.infer<typeof logRecordSchema>;

const logHeadSchema = z.strictObject({
  /** 0: nothing was published yet. */
  sequence: z.int().min(0),
  hash: hex64,
  time: z.iso.datetime(),
  /** Ids of nodes that are believed no more, whatever they vouched for: revoked ones, and those that were found to lie. */
  disowned: z.array(nodeId).max(MAX_DISOWNED),
  /** Nodes that were, and are believed again since: what they vouched for up to this record counts no more. Absent: none. */
  disowned_before: z
    .array(z.strictObject({ node: nodeId, sequence }))
    .min(1)
    .max(MAX_DISOWNED)
    .optional(),
});
export type LogHead = z.infer<typeof logHeadSchema>;

/** A place in the chain: the last record's number and the digest of its payload. */
export type LogPlace = Pick<LogHead, 'sequence' | 'hash'>;

export const LOG_START: LogPlace = { sequence: 0, hash: '0'.repeat(64) };

export interface LogEntry {
  readonly requestHash: string;
  readonly subjects: readonly Subject[];
  readonly attesters: readonly string[];
  readonly policy: PublishingRule;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Of a private build, which is told by a digest alone; null for all others. */
  readonly salt: string | null;
}

export interface Appended {
  /** The payload of the record, as it is signed. */
  readonly payload: string;
  readonly place: LogPlace;
}

/** The next record. Signing is left to later: what is signed here follows from what stands in a table. */
export function appendRecord(last: LogPlace, entry: LogEntry): Appended {
  const { requestHash, subjects, attesters, policy, at, salt } = entry;
  const record: LogRecord = {
    sequence: last.sequence + 1,
    previous_hash: last.hash,
    ...(salt === null
      ? { request_hash: requestHash, subjects: [...subjects] }
      : { withheld: withheldDigest(salt, requestHash, subjects) }),
    attesters: [...attesters],
    policy,
    time: new Date(at).toISOString(),
  };
  const payload = canonicalJson(record);
  return { payload, place: { sequence: record.sequence, hash: sha256Hex(payload) } };
}

/** What stands in the log for a private build. `salt`: 64 hex digits that only those have who may know of the build. */
export const withheldDigest = (salt: string, requestHash: string, subjects: readonly Subject[]): string =>
  hmacSha256Hex(
    salt,
    canonical(['asu-log-withheld-1', requestHash, subjects.map(({ name, digest }) => `${name} ${digest.sha256}`)]),
  );

/** Whose word counts no more: see the head. */
export interface Disowned {
  readonly ids: readonly string[];
  readonly before: readonly { readonly node: string; readonly sequence: number }[];
}

export const headPayload = (place: LogPlace, at: number, { ids, before }: Disowned): Uint8Array =>
  utf8ToBytes(
    canonicalJson({
      sequence: place.sequence,
      hash: place.hash,
      time: new Date(at).toISOString(),
      disowned: ids.slice(0, MAX_DISOWNED),
      ...(before.length > 0 && { disowned_before: before.slice(0, MAX_DISOWNED) }),
    } satisfies LogHead),
  );

export interface ReadRecord {
  readonly record: LogRecord;
  readonly place: LogPlace;
}

export type RecordRead = ({ readonly ok: true } & ReadRecord) | { readonly ok: false; readonly reason: string };

/** A record as anybody may hand it over. `edgeKey`: raw public key. */
export async function readRecord(json: unknown, edgeKey: Uint8Array): Promise<RecordRead> {
  const read = await readSigned(json, LOG_RECORD_TYPE, logRecordSchema, edgeKey);
  if (!read.ok) return read;
  const { value: record, sha256: hash } = read;
  return { ok: true, record, place: { sequence: record.sequence, hash } };
}

export const readHead = (json: unknown, edgeKey: Uint8Array): Promise<ReadSigned<LogHead>> =>
  readSigned(json, LOG_HEAD_TYPE, logHeadSchema, edgeKey);

/**
 * What is wrong with a stretch of the chain; null where nothing is. `from`: the place before it. `to`: where it has to end; absent
 * where that is not known.
 */
export function faultOfChain(from: LogPlace, records: readonly ReadRecord[], to?: LogPlace): string | null {
  let last = from;
  for (const { record, place } of records) {
    if (place.sequence !== last.sequence + 1)
      return `expected record ${last.sequence + 1} behind record ${last.sequence}, got record ${place.sequence}`;
    if (record.previous_hash !== last.hash)
      return `record ${place.sequence} does not follow from record ${last.sequence} as it is: one of them was changed`;
    last = place;
  }
  if (to === undefined) return null;
  if (last.sequence !== to.sequence)
    return `the log ends with record ${to.sequence}, and the records end with ${last.sequence}`;
  return last.hash === to.hash
    ? null
    : `record ${last.sequence} is not the one that the head names: one of them was changed`;
}
