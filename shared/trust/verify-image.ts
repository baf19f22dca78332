/**
 * Is this the image that the server published, made by whom it says, from what it says? Every part of an image's provenance against
 * the others, by nothing but the server's public key. Each check says what it found whatever the others did, so that who reads them
 * sees how much is wrong and not merely that something is.
 */
import { hexToBytes } from '../crypto/digest.ts';
import { type Attester, suffice } from './attester.ts';
import { type DsseEnvelope, keyIdOf } from './dsse.ts';
import {
  faultOfChain,
  type LogHead,
  type LogRecord,
  type ReadRecord,
  type RecordRead,
  readHead,
  readRecord,
  withheldDigest,
} from './log-record.ts';
import { type Provenance, provenanceSchema } from './provenance.ts';
import { type ReadSigned, readSigned } from './read-signed.ts';
import {
  builderId,
  IN_TOTO_TYPE,
  type ProvenanceStatement,
  provenanceStatementSchema,
  type Subject,
} from './statement.ts';
import { envelopeSha256, imageUri, type Summary, summarySchema } from './summary.ts';

export interface Check {
  readonly check: 'image' | 'summary' | 'statements' | 'nodes' | 'record' | 'log';
  readonly ok: boolean;
  /** What was found, as a sentence without its end; words of strangers in it are not made fit for a terminal. */
  readonly told: string;
}

export interface Evidence {
  readonly imageSha256: string;
  /** What it was fetched, or wanted, as: another image of the same server is as good a one, and a router that is given it is lost. */
  readonly asked?: Asked;
  /** Whatever was handed over as provenance. */
  readonly provenance: unknown;
  /** Of the server; raw. */
  readonly edgeKey: Uint8Array;
  /** Where it was asked for: the head, and the records behind the image's own up to it. */
  readonly log?: AskedLog;
}

export interface Asked {
  /** Absent where it is not known. */
  readonly requestHash?: string | undefined;
  readonly fileName?: string | undefined;
}

export interface AskedLog {
  readonly head: unknown;
  /** Null where one is missing. */
  readonly behind: readonly unknown[];
  /** There are more up to the head than were asked for. */
  readonly isPart?: boolean;
}

export interface Verdict {
  readonly checks: readonly Check[];
  /** How to make the image again; null where nobody who is believed says. */
  readonly recipe: ProvenanceStatement['predicate']['buildDefinition'] | null;
}

const passed = (check: Check['check'], told: string): Check => ({ check, ok: true, told });
const failed = (check: Check['check'], told: string): Check => ({ check, ok: false, told });

export async function verifyImage({
  imageSha256,
  asked = {},
  provenance: json,
  edgeKey,
  log,
}: Evidence): Promise<Verdict> {
  if (json === null)
    return { checks: [failed('summary', 'there is no provenance: nobody has signed anything of it')], recipe: null };
  const parsed = provenanceSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return {
      checks: [failed('summary', `this is no provenance: ${issue?.path.join('.')}: ${issue?.message}`)],
      recipe: null,
    };
  }
  const provenance = parsed.data;
  const read = await readSigned(provenance.summary, IN_TOTO_TYPE, summarySchema, edgeKey);
  const summary = read.ok && read.value.predicate.resourceUri === imageUri(provenance.request_hash) ? read.value : null;
  const summaryFault = read.ok
    ? 'the summary is of another image than the provenance'
    : `the summary is not believed: ${read.reason}`;
  const statements = summary && (await readStatements(provenance.statements, summary));
  const head = log && (await readHead(log.head, edgeKey));
  const record = provenance.log && (await readRecord(provenance.log.record, edgeKey));
  return {
    checks: [
      checkImage(imageSha256, summary, provenance.request_hash, asked),
      summary
        ? passed('summary', `signed by the server at ${summary.predicate.timeVerified}`)
        : failed('summary', summaryFault),
      summary && statements
        ? checkStatements(summary, statements, provenance.statements.length)
        : failed('statements', NO_SUMMARY),
      summary
        ? checkNodes(summary, head?.ok ? head.value : null, record?.ok ? record.place.sequence : 0)
        : failed('nodes', NO_SUMMARY),
      checkRecord(provenance, summary, record),
      ...(log && head ? [await checkLog(head, log, record?.ok ? record : null, edgeKey)] : []),
    ],
    recipe: statements?.find((statement) => statement.ok)?.value?.predicate.buildDefinition ?? null,
  };
}

const NO_SUMMARY = 'without a summary that is believed nothing says whose word counts';

function checkImage(
  sha256: string,
  summary: Summary | null,
  requestHash: string,
  { requestHash: askedHash = requestHash, fileName }: Asked,
): Check {
  const subjects = summary?.subject.filter(({ digest }) => digest.sha256 === sha256) ?? [];
  const subject = subjects.find(({ name }) => name === fileName) ?? subjects[0];
  if (!subject) return failed('image', `nobody vouches for these bytes, sha256 ${sha256}`);
  if (requestHash !== askedHash)
    return failed(
      'image',
      `it is ${subject.name} of build ${requestHash}, and not of build ${askedHash} as was asked for`,
    );
  if (fileName !== undefined && subject.name !== fileName)
    return failed('image', `it is ${subject.name} of that build, and not ${fileName} as was asked for`);
  return passed('image', `it is ${subject.name}, sha256 ${sha256}`);
}

interface AttesterStatement {
  readonly attester: Attester;
  readonly ok: boolean;
  /** Null: the server says that there is none. */
  readonly value: ProvenanceStatement | null;
  readonly told: string;
}

/** For each node that the summary names, what it signed itself. */
async function readStatements(envelopes: readonly DsseEnvelope[], summary: Summary): Promise<AttesterStatement[]> {
  const { asu_attesters, inputAttestations } = summary.predicate;
  const named = new Set(inputAttestations.map(({ digest }) => digest.sha256));
  const given = new Set(envelopes.map(envelopeSha256));
  const isWhole = [...named].every((sha256) => given.has(sha256));
  return await Promise.all(
    asu_attesters.map(async (attester): Promise<AttesterStatement> => {
      const no = (told: string): AttesterStatement => ({
        attester,
        ok: false,
        value: null,
        told: `${shortId(attester)}: ${told}`,
      });
      const publicKey = hexToBytes(attester.publicKey);
      if (keyIdOf(publicKey) !== attester.id) return no('its key is not the one that its name is made of');
      const envelope = envelopes.find(({ signatures }) => signatures[0]?.keyid === attester.id);
      if (!envelope)
        return isWhole && inputAttestations.length < asu_attesters.length
          ? { attester, ok: true, value: null, told: `${shortId(attester)}: none, and the server says so` }
          : no('its statement is missing');
      if (!named.has(envelopeSha256(envelope))) return no('its statement is not the one that the server has seen');
      const read = await readSigned(envelope, IN_TOTO_TYPE, provenanceStatementSchema, publicKey);
      if (!read.ok) return no(`its statement is not believed: ${read.reason}`);
      const { subject, predicate } = read.value;
      if (predicate.runDetails.builder.id !== builderId(attester.id)) return no('its statement names another node');
      if (imageUri(predicate.buildDefinition.internalParameters.requestHash) !== summary.predicate.resourceUri)
        return no('its statement is about another image');
      if (!summary.subject.every((one) => subject.some((other) => isSame(one, other))))
        return no('its statement is about other files');
      return { attester, ok: true, value: read.value, told: shortId(attester) };
    }),
  );
}

function checkStatements(summary: Summary, statements: readonly AttesterStatement[], given: number): Check {
  const wrong = statements.filter(({ ok }) => !ok);
  if (wrong.length > 0) return failed('statements', wrong.map(({ told }) => told).join('; '));
  if (given !== summary.predicate.inputAttestations.length)
    return failed('statements', `expected ${summary.predicate.inputAttestations.length} of them, got ${given}`);
  return passed('statements', `signed by ${statements.map(({ told }) => told).join(', ')}`);
}

/**
 * By the rule that it was published by, and by those who are believed today. `sequence`: of its record; 0 where none is believed, and
 * it may be of any time.
 */
function checkNodes(summary: Summary, head: LogHead | null, sequence: number): Check {
  const { asu_attesters: attesters, asu_rule: rule } = summary.predicate;
  // Who is believed again is so of what came after.
  const before = head?.disowned_before?.filter((one) => sequence <= one.sequence) ?? [];
  const disowned = new Set([...(head?.disowned ?? []), ...before.map(({ node }) => node)]);
  const believed = attesters.filter(({ id }) => !disowned.has(id));
  const gone = attesters.filter(({ id }) => disowned.has(id));
  const told = rule.rule === 'trusted' ? 'a trusted node' : `${rule.operators} operators that agree`;
  if (!suffice(believed, rule))
    return failed(
      'nodes',
      gone.length > 0
        ? `it was published on the word of ${gone.map(shortId).join(', ')}, disowned since; ${told} would be needed`
        : `expected the word of ${told}, got that of ${attesters.map(shortId).join(', ')}`,
    );
  if (!head) return passed('nodes', `${told}; who was disowned since is not known here`);
  return passed(
    'nodes',
    `${told}${gone.length > 0 ? '; of others some were disowned since' : ', none disowned since'}`,
  );
}

function checkRecord({ request_hash, salt, log }: Provenance, summary: Summary | null, read: RecordRead | null): Check {
  if (!log || !read) return failed('record', 'the provenance has no record of the log');
  if (!read.ok) return failed('record', `the record is not believed: ${read.reason}`);
  const { record } = read;
  if (record.sequence !== log.sequence)
    return failed('record', `expected record ${log.sequence} of the log, got record ${record.sequence}`);
  if (!summary) return failed('record', NO_SUMMARY);
  const difference = differenceOfRecord(record, request_hash, summary, salt);
  return difference === null
    ? passed('record', `number ${record.sequence} of the log, of ${record.time}`)
    : failed('record', `record ${record.sequence} of the log ${difference}`);
}

function differenceOfRecord(
  record: LogRecord,
  requestHash: string,
  summary: Summary,
  salt: string | undefined,
): string | null {
  if ('withheld' in record) {
    if (salt === undefined) return 'is of an image with `defaults`, and its salt is missing';
    if (record.withheld !== withheldDigest(salt, requestHash, summary.subject)) return 'is of another image';
  } else {
    if (record.request_hash !== requestHash) return 'is of another image';
    if (!areEqual(record.subjects, summary.subject)) return 'names other files';
  }
  const attesters = summary.predicate.asu_attesters.map(({ id }) => id);
  return record.attesters.join() === attesters.join() ? null : 'names other nodes';
}

/** From the image's own record to the head nothing was changed or taken away. */
async function checkLog(
  head: ReadSigned<LogHead>,
  { behind, isPart = false }: AskedLog,
  own: ReadRecord | null,
  edgeKey: Uint8Array,
): Promise<Check> {
  if (!head.ok) return failed('log', `the head is not believed: ${head.reason}`);
  if (!own) return failed('log', 'without a record there is no place to begin at');
  const records: ReadRecord[] = [];
  for (const [at, json] of behind.entries()) {
    const number = own.place.sequence + at + 1;
    if (json === null) return failed('log', `record ${number} is missing`);
    const read = await readRecord(json, edgeKey);
    if (!read.ok) return failed('log', `record ${number} is not believed: ${read.reason}`);
    records.push(read);
  }
  const fault = faultOfChain(own.place, records, isPart ? undefined : head.value);
  if (fault !== null) return failed('log', fault);
  const { sequence } = own.place;
  const end = isPart
    ? `${sequence + records.length}, of ${head.value.sequence}; more was not asked for`
    : `${head.value.sequence}, the head of ${head.value.time}`;
  return passed('log', `unbroken from record ${sequence} to ${end}`);
}

const shortId = ({ id, tier }: Attester): string => `${tier} node ${id.slice(0, 12)}`;

const areEqual = (some: readonly Subject[], others: readonly Subject[]): boolean =>
  some.length === others.length && some.every((one, at) => isSame(one, others[at]));

const isSame = (one: Subject, other: Subject | undefined): boolean =>
  one.name === other?.name && one.digest.sha256 === other.digest.sha256;
