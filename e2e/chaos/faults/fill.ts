/** There is no room any more: on a node's disk not a byte, and in the store none for whoever puts something there. */
import type { Fault } from './fault.ts';

const FULL = {
  status: 507,
  contentType: 'application/xml',
  body: '<?xml version="1.0"?><Error><Code>InsufficientStorage</Code><Message>no room</Message></Error>',
} as const;

export const fill: Fault = async ({ disks, storeDoor }, target) => {
  if (target === 'store') {
    storeDoor.setHold(({ method }) => (method === 'PUT' || method === 'POST' ? FULL : undefined));
    return async () => storeDoor.setHold(() => undefined);
  }
  const disk = disks.get(target);
  if (!disk?.canFill) return 'impossible';
  await disk.fill();
  return () => disk.empty();
};
