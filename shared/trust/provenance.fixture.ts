/** Images with all that vouches for them, as the edge publishes it: for tests of who checks, which bend it. */
import { bytesToHex, utf8ToBytes } from '../crypto/digest.ts';
import type { SigningKey } from '../crypto/ed25519.ts';
import { type Attester, type PublishingRule, ruleOf } from './attester.ts';
import { type DsseEnvelope, keyIdOf, signDsse } from './dsse.ts';
import {
  appendRecord,
  type Disowned,
  headPayload,
  LOG_HEAD_TYPE,
  LOG_RECORD_TYPE,
  LOG_START,
  type LogPlace,
} from './log-record.ts';
import type { Provenance } from './provenance.ts';
import { edgeKey, nodeKey, ordered, output } from './statement.fixture.ts';
import { type BuiltOutput, IN_TOTO_TYPE, imageStatement, subjectsOf } from './statement.ts';
import { summaryPayload } from './summary.ts';

const AT = 1_763_000_060_000;

export const attesterOf = (
  { publicKey }: SigningKey,
  operator = 'a',
  tier: Attester['tier'] = 'trusted',
): Attester => ({ id: keyIdOf(publicKey), publicKey: bytesToHex(publicKey), tier, operator: operator.repeat(16) });

export interface Published {
  readonly provenance: Provenance;
  readonly place: LogPlace;
}

export interface Publication {
  readonly output?: BuiltOutput;
  readonly nodes?: readonly { readonly key: SigningKey; readonly attester: Attester }[];
  readonly key?: SigningKey;
  readonly last?: LogPlace;
  readonly salt?: string;
  readonly requestHash?: string;
  /** What the nodes sign instead of what is so. */
  readonly statement?: Uint8Array;
  /** They sign nothing. */
  readonly unstated?: true;
  readonly rule?: PublishingRule;
}

export async function publication(about: Publication = {}): Promise<Published> {
  const { key = edgeKey, last = LOG_START, salt, requestHash = ordered().requestHash } = about;
  const made = about.output ?? output;
  const nodes = about.nodes ?? [{ key: nodeKey, attester: attesterOf(nodeKey) }];
  const attesters = nodes.map(({ attester }) => attester);
  const rule = about.rule ?? ruleOf(attesters);
  // What nodes have to agree about: the image, not the files beside it.
  const subjects = subjectsOf({ ...made, files: made.files.filter(({ name }) => name !== 'profiles.json') });
  const statements = await Promise.all(
    (about.unstated ? [] : nodes).map(({ key: signer, attester }, n) => {
      const build = ordered({ requestHash, nodeId: attester.id, leaseId: `lease-${n + 1}` });
      return signDsse(signer, IN_TOTO_TYPE, about.statement ?? imageStatement(build, made));
    }),
  );
  const aboutSummary = {
    requestHash,
    subjects,
    attesters,
    rule,
    statements,
    verifier: keyIdOf(key.publicKey),
    verifiedAt: AT,
  };
  const { payload, place } = appendRecord(last, {
    requestHash,
    subjects,
    attesters: attesters.map(({ id }) => id),
    policy: rule,
    at: AT,
    salt: salt ?? null,
  });
  return {
    provenance: {
      request_hash: requestHash,
      statements,
      summary: await signDsse(key, IN_TOTO_TYPE, summaryPayload(aboutSummary)),
      ...(salt !== undefined && { salt }),
      log: { sequence: place.sequence, record: await signDsse(key, LOG_RECORD_TYPE, utf8ToBytes(payload)) },
    },
    place,
  };
}

export const headOf = (
  place: LogPlace,
  disowned: readonly string[] = [],
  key = edgeKey,
  before: Disowned['before'] = [],
): Promise<DsseEnvelope> => signDsse(key, LOG_HEAD_TYPE, headPayload(place, AT, { ids: disowned, before }));
