/**
 * The network a client belongs to, for fairness and flood limits: the IPv4 address, or the /56 that an IPv6 household gets.
 * Without the second, one home connection would be 256 networks of 2^64 clients each.
 */

/** Empty for what is not an address. An IPv4 address in its IPv6 spelling (`::ffff:192.0.2.1`) is the IPv4 address. */
export function clientNetwork(address: string): string {
  if (isIpv4(address)) return address;
  const mapped = /^::ffff:([0-9.]+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return isIpv4(mapped) ? mapped : '';
  const [head = '', tail, ...rest] = address.toLowerCase().split('::');
  if (rest.length > 0) return '';
  const front = groupsOf(head);
  const back = groupsOf(tail ?? '');
  const given = front.length + back.length;
  if (tail === undefined ? given !== 8 : given > 7) return '';
  const groups = [...front, ...Array<string>(8 - given).fill('0'), ...back];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/.test(group))) return '';
  const digits = groups.map((group) => group.padStart(4, '0')).join('');
  return `${digits.slice(0, 14)}/56`;
}

const isIpv4 = (text: string): boolean =>
  /^\d{1,3}(?:\.\d{1,3}){3}$/.test(text) && text.split('.').every((octet) => Number(octet) <= 255);

const groupsOf = (text: string): string[] => (text === '' ? [] : text.split(':'));
