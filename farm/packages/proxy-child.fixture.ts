/**
 * A proxy in a process of its own, for tests that kill it or give it a disk that is too small. Arguments: state directory,
 * era, socket path, feeds as JSON. Says "open" when it can be asked; when its input ends, its troubles, and ends.
 */
import { text } from 'node:stream/consumers';
import { PackageProxy } from './package-proxy.ts';

const [stateDirectory = '', era = '', socketPath = '', feeds = '[]'] = process.argv.slice(2);
const proxy = await PackageProxy.start({ stateDirectory });
const door = await proxy.open({
  leaseId: 'child',
  era: era === 'apk' ? 'apk' : 'opkg',
  feeds: JSON.parse(feeds),
  listen: { socketPath },
  signal: new AbortController().signal,
});
console.log('open');
await text(process.stdin);
console.log(JSON.stringify(door.trouble.map(({ url, what, kind }) => ({ url, what, kind }))));
await proxy.close();
