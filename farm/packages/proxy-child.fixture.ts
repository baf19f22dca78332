/**
 * A proxy in a process of its own, for tests that kill it or give it a disk that is too small. Arguments: state directory,
 * era, feeds as JSON. Says at which port it can be asked; when its input ends, its troubles, and ends.
 */
import { text } from 'node:stream/consumers';
import { newListener } from './new-listener.fixture.ts';
import { PackageProxy } from './package-proxy.ts';

const [stateDirectory = '', era = '', feeds = '[]'] = process.argv.slice(2);
const proxy = await PackageProxy.start({ stateDirectory });
const door = await proxy.open({
  leaseId: 'child',
  era: era === 'apk' ? 'apk' : 'opkg',
  feeds: JSON.parse(feeds),
  at: 'listeners',
  signal: new AbortController().signal,
});
const { listener, port } = await newListener();
door.serve(listener);
console.log(port);
await text(process.stdin);
console.log(JSON.stringify(door.trouble.map(({ url, what, kind }) => ({ url, what, kind }))));
await proxy.close();
