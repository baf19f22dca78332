/** Joining an edge and staying a member: the certificate is kept on disk and renewed long before it ends. */
import { Code, ConnectError } from '@connectrpc/connect';
import { eq } from 'drizzle-orm';
import { fromBase64Url } from '../../shared/crypto/base64url.ts';
import { bytesToHex } from '../../shared/crypto/digest.ts';
import type { SigningKey } from '../../shared/crypto/ed25519.ts';
import { printable } from '../../shared/text/printable.ts';
import { complain } from '../agent/ever-rarer.ts';
import { backoffMs, pause } from '../backoff.ts';
import type { NodeDatabase } from '../db/open-database.ts';
import { edges, leases } from '../db/schema.ts';
import { isDiskFull } from '../disk/disk-full.ts';
import type { ForemanClient, Membership } from './edge-client.ts';
import { EdgeClock } from './edge-clock.ts';

/** Of a certificate's 24 hours, when a quarter has passed: eighteen hours of an unreachable edge are survived. */
const RENEW_BEFORE_MS = 18 * 3_600_000;
/** Where the clock was found to be wrong, a certificate may have ended that seemed to have hours left. */
const CHECK_MS = 60_000;

/** The edge says no, and will say no again. */
export class JoinRefused extends Error {
  override readonly name = 'JoinRefused';
}

export class Memberships {
  readonly clock = new EdgeClock();
  readonly #db: NodeDatabase;
  readonly #edgeUrl: string;
  #current: Membership | null;

  constructor(db: NodeDatabase, edgeUrl: string) {
    this.#db = db;
    this.#edgeUrl = edgeUrl;
    const row = db.select().from(edges).where(eq(edges.url, edgeUrl)).get();
    this.#current = row ? { certificate: row.certificate, edgePublicKey: row.publicKey } : null;
  }

  current = (): Membership | null => this.#current && { ...this.#current, clock: this.clock };

  /**
   * Renews what there is, or joins with the token; keeps trying while the edge cannot be reached. A token that was used up
   * at the first start and still stands in somebody's configuration does no harm.
   * @throws JoinRefused with what the node's operator can do
   */
  async establish(
    client: ForemanClient,
    key: SigningKey,
    join: { readonly token: string | null; readonly name: string },
    signal: AbortSignal,
  ): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      try {
        if (await this.#isStillMember(client, join.token !== null, signal)) return;
        if (join.token === null)
          throw new JoinRefused('this node has joined no edge yet: start it once with --join TOKEN');
        await this.#join(client, key, join.token, join.name, signal);
        return;
      } catch (error) {
        const refusal = refusalOf(error);
        if (refusal) throw refusal;
        failures += 1;
        complain(
          (line) => console.error(printable(line, 500)),
          `the edge at ${this.#edgeUrl} cannot be reached yet`,
          error,
          failures,
        );
        await pause(backoffMs(failures, Math.random(), 200, 5_000), signal);
      }
    }
  }

  /** False where there is nothing to renew, or the edge does not know it (any more) and a token may help. */
  async #isStillMember(client: ForemanClient, hasToken: boolean, signal: AbortSignal): Promise<boolean> {
    if (!this.#current) return false;
    try {
      await this.renew(client, signal);
      return true;
    } catch (error) {
      if (refusalOf(error) && hasToken) return false;
      throw error;
    }
  }

  async renew(client: ForemanClient, signal: AbortSignal): Promise<void> {
    const current = this.#current;
    if (!current) return;
    const { certificate } = await client.renew({}, { signal });
    this.#current = { ...current, certificate };
    try {
      this.#write(this.#current);
    } catch (error) {
      // It holds without being written down, and the one that is can be renewed for long.
      if (!isDiskFull(error)) throw error;
    }
  }

  /** Renews whenever it is time, until `signal` aborts. */
  async keepRenewed(
    client: ForemanClient,
    log: (line: string) => void,
    signal: AbortSignal,
    checkMs = CHECK_MS,
  ): Promise<void> {
    for (let failures = 0; !signal.aborted; await pause(checkMs, signal)) {
      if (!this.isDue()) continue;
      try {
        await this.renew(client, signal);
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        complain(log, 'renewing the certificate failed', error, failures);
      }
    }
  }

  /** True when it is time to renew: the edge's time, for it is the edge that looks at the certificate. */
  isDue(): boolean {
    return this.#current !== null && expiryOf(this.#current.certificate) - this.clock.now() < RENEW_BEFORE_MS;
  }

  async #join(client: ForemanClient, key: SigningKey, token: string, name: string, signal: AbortSignal): Promise<void> {
    const proof = await key.sign(new TextEncoder().encode(token));
    const joined = await client.join({ token, publicKey: key.publicKey, name, proof }, { signal });
    const membership = { certificate: joined.certificate, edgePublicKey: bytesToHex(joined.edgePublicKey) };
    this.#db.transaction(() => {
      if (!isSameMember(this.#current, membership)) this.#dropOutbox();
      this.#write(membership);
    });
    // Not before it is written down: where that fails, the next try must still see whose the outbox is.
    this.#current = membership;
  }

  /**
   * What was to be said of leases of another edge at this address, or of another node: by the name that this one has now it is
   * never acknowledged as its own, and an edge that is told the end of another node's lease takes the teller for a liar.
   */
  #dropOutbox(): void {
    this.#db.delete(leases).where(eq(leases.edge, this.#edgeUrl)).run();
  }

  #write(membership: Membership): void {
    const row = { publicKey: membership.edgePublicKey, certificate: membership.certificate };
    this.#db
      .insert(edges)
      .values({ url: this.#edgeUrl, ...row })
      .onConflictDoUpdate({ target: edges.url, set: row })
      .run();
  }
}

function refusalOf(error: unknown): JoinRefused | null {
  if (error instanceof JoinRefused) return error;
  const final = [Code.Unauthenticated, Code.PermissionDenied, Code.InvalidArgument];
  if (error instanceof ConnectError && final.includes(error.code) && isOfTheEdge(error))
    return new JoinRefused(`the edge refuses this node: ${error.rawMessage}`, { cause: error });
  return null;
}

/** A proxy, a firewall or a captive portal in between says 401 and 403 as well, in pages of its own, and that passes. */
const isOfTheEdge = ({ metadata, rawMessage }: ConnectError): boolean =>
  /^application\/json\b/.test(metadata.get('content-type') ?? '') && rawMessage !== '';

/** When a certificate ends; 0 for what cannot be read. */
export const expiryOf = (certificate: string): number => Number(claimOf(certificate).expiresAt) || 0;

/** What the edge takes this node for; empty for what cannot be read. */
export const tierOf = (certificate: string): string => String(claimOf(certificate).tier ?? '');

function isSameMember(before: Membership | null, now: Membership): boolean {
  const [nodeBefore, nodeNow] = [before, now].map((each) => each && claimOf(each.certificate).nodeId);
  return nodeBefore === nodeNow && before?.edgePublicKey === now.edgePublicKey;
}

interface Claim {
  readonly expiresAt?: unknown;
  readonly nodeId?: unknown;
  readonly tier?: unknown;
}

/** The edge verifies it; the node only wants to know what stands in it. Nothing, where it cannot be read. */
function claimOf(certificate: string): Claim {
  try {
    const payload = fromBase64Url(certificate.split('.')[0] ?? '') ?? new Uint8Array();
    return Object(JSON.parse(new TextDecoder().decode(payload)));
  } catch {
    return {};
  }
}
