/**
 * Where a mirror may send a node. Mirrors lead to each other, and so must be followed; but one that leads to the router of the house, to
 * another service of this machine, or from https to http would use the machine of somebody who only lent it.
 *
 * Asked of the name's addresses before the request: a name that changes its addresses in between is not noticed (docs/threat-model.md).
 */
import { lookup } from 'node:dns/promises';
import { networkInterfaces } from 'node:os';
import { type Interfaces, isInnerAddress } from './inner-address.ts';

export type AddressesOf = (hostname: string) => Promise<readonly string[]>;

/** None where the name cannot be resolved here: then there is no connection either, or a proxy makes it, whose matter it is. */
const addressesByDns: AddressesOf = async (hostname) =>
  await lookup(hostname, { all: true }).then(
    (found) => found.map(({ address }) => address),
    () => [],
  );

export interface Redirect {
  /** As it was asked for at first. */
  readonly named: URL;
  readonly from: URL;
  readonly to: URL;
}

/**
 * The owner's own word on where. `only`: in place of what is usual. `insideTo`: where this stands inside itself, to these hosts inside
 * as well, as URLs have them (`host`, `host:port`); null: it is nothing that he was asked about.
 */
export type MayLead = { readonly only: (url: string) => boolean } | { readonly insideTo: readonly string[] | null };

export const AS_USUAL: MayLead = { insideTo: null };

/** Why it is not followed; null where it may be. */
export async function whyNotFollowed(
  { named, from, to }: Redirect,
  mayLead: MayLead,
  addressesOf: AddressesOf = addressesByDns,
): Promise<string | null> {
  if (!isWeb(to)) return `it redirects to ${to.protocol}`;
  if (from.protocol === 'https:' && to.protocol === 'http:') return 'it redirects from https to http';
  if (to.username !== '' || to.password !== '') return 'it redirects to an address with a password in it';
  if ('only' in mayLead) return mayLead.only(to.href) ? null : 'it redirects to where this feed may not lead';
  if (isSameServer(named, to) || !(await isInside(to, addressesOf))) return null;
  // What stands outside could lead to the hosts of a house as well, and its owner spoke of a mirror in there.
  if (mayLead.insideTo === null || !(await isInside(from, addressesOf))) return INSIDE;
  return mayLead.insideTo.includes(to.host) ? null : `${INSIDE}, at a host that --mirror-redirects-to does not name`;
}

const INSIDE = 'it redirects to this machine or to a network that it stands in';

async function isInside({ hostname }: URL, addressesOf: AddressesOf): Promise<boolean> {
  const interfaces = ownInterfaces();
  const addresses = await addressesOf(hostname.replace(/^\[|\]$/g, ''));
  return addresses.some((address) => isInnerAddress(address, interfaces));
}

/** Fetch knows more than these: `data:` is an answer of its own. */
export const isWeb = ({ protocol }: URL): boolean => protocol === 'http:' || protocol === 'https:';

/** None where the machine's own rules keep a process from asking: then its public addresses are not known to be its own. */
function ownInterfaces(): Interfaces {
  try {
    return networkInterfaces();
  } catch {
    return {};
  }
}

/** The one that was named, wherever it stands: at its port, or at the usual one where it asks for https in place of http. */
const isSameServer = (named: URL, to: URL): boolean =>
  named.hostname === to.hostname && (named.port === to.port || (to.port === '' && to.protocol === 'https:'));
