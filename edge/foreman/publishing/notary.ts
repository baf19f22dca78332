/**
 * What the edge signs of what it publishes. Everything here follows from what is signed and from the server's secret, so that a
 * publication that is broken off and begun anew says the same to the byte.
 */
import type { BuildRecord, RecordedAttester } from '../../../shared/build/build-record.ts';
import { hmacSha256Hex, utf8ToBytes } from '../../../shared/crypto/digest.ts';
import { type ServerKeys, serverKeys } from '../../../shared/crypto/server-keys.ts';
import { type Attester, ruleOf } from '../../../shared/trust/attester.ts';
import { type DsseEnvelope, keyIdOf, signDsse } from '../../../shared/trust/dsse.ts';
import { LOG_HEAD_TYPE, LOG_RECORD_TYPE, type LogEntry } from '../../../shared/trust/log-record.ts';
import type { StoredStatements } from '../../../shared/trust/provenance.ts';
import { IN_TOTO_TYPE, type Subject, subjectsOf } from '../../../shared/trust/statement.ts';
import { MAX_ATTESTERS, summaryPayload } from '../../../shared/trust/summary.ts';

const OPERATOR_DIGITS = 16;

export class Notary {
  readonly #keys: Pick<ServerKeys, 'signing' | 'log'>;

  constructor(keys: Pick<ServerKeys, 'signing' | 'log'>) {
    this.#keys = keys;
  }

  static async open(serverKey: string): Promise<Notary> {
    return new Notary(await serverKeys(serverKey));
  }

  get publicKey(): Uint8Array {
    return this.#keys.signing.publicKey;
  }

  /** All that vouches for an image, to be stored before it can be fetched. `signed`: by lease. */
  async statementsOf(
    record: BuildRecord,
    attesters: readonly RecordedAttester[],
    signed: ReadonlyMap<string, DsseEnvelope>,
  ): Promise<StoredStatements> {
    const told = this.#told(attesters);
    const statements = attesters.slice(0, MAX_ATTESTERS).flatMap(({ leaseId }) => signed.get(leaseId) ?? []);
    const payload = summaryPayload({
      requestHash: record.requestHash,
      subjects: agreedSubjects(record),
      attesters: told,
      rule: ruleOf(told),
      statements,
      verifier: keyIdOf(this.publicKey),
      verifiedAt: record.publishedAt,
    });
    return {
      request_hash: record.requestHash,
      statements,
      summary: await signDsse(this.#keys.signing, IN_TOTO_TYPE, payload),
      ...(record.private && { salt: this.#saltOf(record) }),
    };
  }

  /** What the log says of it. */
  entryOf(record: BuildRecord, attesters: readonly RecordedAttester[]): LogEntry {
    const told = this.#told(attesters);
    return {
      requestHash: record.requestHash,
      subjects: agreedSubjects(record),
      attesters: told.map(({ id }) => id),
      policy: ruleOf(told),
      at: record.publishedAt,
      salt: record.private ? this.#saltOf(record) : null,
    };
  }

  signRecord(payload: string): Promise<DsseEnvelope> {
    return signDsse(this.#keys.signing, LOG_RECORD_TYPE, utf8ToBytes(payload));
  }

  signHead(payload: Uint8Array): Promise<DsseEnvelope> {
    return signDsse(this.#keys.signing, LOG_HEAD_TYPE, payload);
  }

  /** One for each build: who is told it can look for that build, and for no other. */
  #saltOf({ requestHash }: BuildRecord): string {
    return hmacSha256Hex(this.#keys.log, `salt ${requestHash}`);
  }

  #told(attesters: readonly RecordedAttester[]): Attester[] {
    return attesters.slice(0, MAX_ATTESTERS).map(({ nodeId, publicKey, operator, tier }) => ({
      id: nodeId,
      publicKey,
      tier,
      operator: hmacSha256Hex(this.#keys.log, `operator ${operator}`).slice(0, OPERATOR_DIGITS),
    }));
  }
}

/** Of the files beside the images nodes need not make the same. */
const agreedSubjects = ({ images, manifest }: BuildRecord): Subject[] => subjectsOf({ files: images, manifest });
