/** The last word about a lease with the statement that an honest node signs, unless a test has put another one there. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { isDeterministic, kindFromNode } from '../../shared/build/build-error.ts';
import { utf8ToBytes } from '../../shared/crypto/digest.ts';
import type { SigningKey } from '../../shared/crypto/ed25519.ts';
import type { LeaseReportSchema } from '../../shared/gen/asu/farm/v1/foreman_pb.js';
import { signDsse } from '../../shared/trust/dsse.ts';
import { failureStatement, IN_TOTO_TYPE, imageStatement, type OrderedBuild } from '../../shared/trust/statement.ts';

export type ReportedEvent = MessageInitShape<typeof LeaseReportSchema>['event'];

export async function signedEvent(key: SigningKey, build: OrderedBuild, event: ReportedEvent): Promise<ReportedEvent> {
  if (event?.case !== 'succeeded' && event?.case !== 'failed') return event;
  if (event.value.statement?.length) return event;
  const payload = event.case === 'failed' ? ofFailure(build, event.value) : ofImage(build, event.value);
  if (payload === null) return event;
  const statement = utf8ToBytes(JSON.stringify(await signDsse(key, IN_TOTO_TYPE, payload)));
  return { ...event, value: { ...event.value, statement } } as ReportedEvent;
}

type Value<Case extends string> = Extract<ReportedEvent, { case: Case }>['value'];

function ofFailure(build: OrderedBuild, { kind = '' }: Value<'failed'>): Uint8Array | null {
  const known = kindFromNode(kind);
  return isDeterministic(known) ? failureStatement(build, known) : null;
}

/** Null for lies that are no result at all: they are refused before anybody looks for a signature. */
function ofImage(
  build: OrderedBuild,
  { files = [], manifest = [], profilesJson = '' }: Value<'succeeded'>,
): Uint8Array | null {
  try {
    return imageStatement(build, {
      files: files.map(({ name = '', sha256 = '' }) => ({ name, sha256 })),
      manifest: Object.fromEntries(manifest.map(({ name = '', version = '' }) => [name, version])),
      sourceDateEpoch: (JSON.parse(profilesJson) as { source_date_epoch?: number }).source_date_epoch ?? 0,
    });
  } catch {
    return null;
  }
}
