/**
 * The network a client belongs to, for fairness and flood limits: the IPv4 address, or the /56 that an IPv6 household gets.
 */

/** Empty for what is not an address. */
export function clientNetwork(address: string): string {
  if (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(address)) return address;
  if (!/^[0-9a-f:.]+$/i.test(address) || !address.includes(':')) return '';
  const [head = '', tail = ''] = address.toLowerCase().split('::');
  const front = head.split(':').filter(Boolean);
  const back = tail.split(':').filter(Boolean);
  const zeros = address.includes('::') ? Math.max(0, 8 - front.length - back.length) : 0;
  const groups = [...front, ...Array.from({ length: zeros }, () => '0'), ...back].slice(0, 4);
  const bits = groups.map((group) => group.padStart(4, '0')).join('');
  return `${bits.slice(0, 14)}/56`;
}
