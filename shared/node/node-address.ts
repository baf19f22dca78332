/**
 * Where a callable node is reached, as its operator writes it. Orders are sent there, so no more than a scheme, a host and a port
 * is let through: a path, a query or a name with a password would mean that somebody thinks of another thing than we do. By http
 * on loopback only, for who tries it at home; anywhere else the line has to prove whose it is.
 */
export const MAX_NODE_ADDRESS = 300;

export type JudgedAddress =
  /** `https://host` or `https://host:port`, in the one spelling that is kept. */
  { readonly ok: true; readonly address: string } | { readonly ok: false; readonly reason: string };

const ADDRESS = /^https?:\/\/(?:\[[0-9a-f:.]+\]|[a-z0-9][a-z0-9.-]*)(?::\d+)?\/?$/i;
const LOOPBACK = /^(?:localhost|\[::1\]|127(?:\.\d+){3})$/;

export function judgeNodeAddress(text: string): JudgedAddress {
  if (text.length > MAX_NODE_ADDRESS || !ADDRESS.test(text) || !URL.canParse(text))
    return { ok: false, reason: 'expected https://host or https://host:port, and nothing behind it' };
  // Of what was parsed: 127.1 and 0x7f000001 are spellings of an address of loopback as well.
  const { protocol, hostname, origin } = new URL(text);
  if (protocol !== 'https:' && !LOOPBACK.test(hostname))
    return { ok: false, reason: 'expected https; http is for loopback only' };
  return { ok: true, address: origin };
}
