/** A published image and two behind it in the log, and what is found in them where something of that is bent. */
import { signingKey } from '../crypto/ed25519.ts';
import { type Attester, ruleOf } from './attester.ts';
import { type DsseEnvelope, keyIdOf, signDsse } from './dsse.ts';
import { attesterOf, headOf, type Published, publication } from './provenance.fixture.ts';
import type { Provenance } from './provenance.ts';
import { edgeKey, nodeKey, ordered, otherNodeKey, output } from './statement.fixture.ts';
import { IN_TOTO_TYPE, subjectsOf } from './statement.ts';
import { summaryPayload } from './summary.ts';
import { type Evidence, verifyImage } from './verify-image.ts';

export const IMAGE = '4'.repeat(64);
export const stranger = await signingKey(new Uint8Array(32).fill(9));
export const good = await publication();
/** Of the image, without the file beside it. */
export const SUBJECTS = subjectsOf({ ...output, files: output.files.filter(({ name }) => name === 'image.bin') });
export const elsewhere = { requestHash: '7'.repeat(64) };
export const next = await publication({ last: good.place, ...elsewhere });
export const after = await publication({ last: next.place, requestHash: '8'.repeat(64) });
export const recordOf = ({ provenance }: Published) => provenance.log?.record as DsseEnvelope;
export const whole = async (disowned: readonly string[] = []) => ({
  head: await headOf(after.place, disowned),
  behind: [recordOf(next), recordOf(after)],
});

export const verdict = (fields: Partial<Evidence> = {}) =>
  verifyImage({ imageSha256: IMAGE, provenance: good.provenance, edgeKey: edgeKey.publicKey, ...fields });

/** The names of the checks that failed, and what they said. */
export async function failures(fields: Partial<Evidence>): Promise<Record<string, string>> {
  const { checks } = await verdict(fields);
  return Object.fromEntries(checks.filter(({ ok }) => !ok).map(({ check, told }) => [check, told]));
}

export function volunteers(one: string, other: string) {
  return [
    { key: nodeKey, attester: attesterOf(nodeKey, one, 'volunteer') },
    { key: otherNodeKey, attester: attesterOf(otherNodeKey, other, 'volunteer') },
  ];
}

/** As the server would sign it, of whatever statements it has. */
export function summaryOf(attesters: readonly Attester[], statements: readonly DsseEnvelope[]): Promise<DsseEnvelope> {
  const about = { requestHash: ordered().requestHash, subjects: SUBJECTS, attesters, rule: ruleOf(attesters) };
  return signDsse(
    edgeKey,
    IN_TOTO_TYPE,
    summaryPayload({ ...about, statements, verifier: keyIdOf(edgeKey.publicKey), verifiedAt: 0 }),
  );
}

export const bent = (fields: Partial<Provenance>): Provenance => ({ ...good.provenance, ...fields });
