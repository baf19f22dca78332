/**
 * Whom a request comes from, as a key that is no address. The address is told by whoever stands before this server, in a
 * header that is configured; a client that could write that header itself could be anybody, or everybody in turn.
 */
import {
  addressIn,
  clientKey,
  clientNetwork,
  dailyClientSecret,
  dayOf,
  isThisMachine,
} from '../../shared/request/client-key.ts';
import { logWarning } from '../log.ts';

export class ClientKeys {
  readonly #secret: Uint8Array;
  readonly #header: string;
  #today: { readonly day: number; readonly secret: string } | undefined;
  #hasWarned = false;

  /** `header`: empty where nobody says who asks. */
  constructor(secret: Uint8Array, header: string) {
    this.#secret = secret;
    this.#header = header;
  }

  /** Null where nobody can be told from anybody else. */
  of(headers: Headers, nowMs: number): string | null {
    if (this.#header === '') return null;
    const network = clientNetwork(addressIn(headers.get(this.#header) ?? ''));
    if (network === null) this.#warn();
    if (network === null || isThisMachine(network)) return null;
    const day = dayOf(nowMs);
    if (this.#today?.day !== day) this.#today = { day, secret: dailyClientSecret(this.#secret, day) };
    return clientKey(this.#today.secret, network);
  }

  /** Once, and not with the value: it may be somebody's address after all. */
  #warn(): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    logWarning('CLIENT_ADDRESS_HEADER: expected an address, got none; nobody is limited', { header: this.#header });
  }
}
