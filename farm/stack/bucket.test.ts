/** The bucket of a store that takes a connection and says nothing; with a store that answers: e2e/serve.test.ts. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { ensureBucket } from './bucket.ts';

test('a store that never answers is left when the start is called off, and its connection with it', async () => {
  const stop = new AbortController();
  const closed = Promise.withResolvers<void>();
  const store = createServer((socket) => {
    socket.on('error', () => {}).once('close', () => closed.resolve());
    socket.resume();
    stop.abort(new Error('called off'));
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void store.close());
  await once(store, 'listening');
  const endpoint = `http://127.0.0.1:${(store.address() as AddressInfo).port}`;
  const place = { endpoint, bucket: 'asu-images', region: 'us-east-1', accessKeyId: 'k', secretAccessKey: 's' };
  await expect(ensureBucket(place, stop.signal)).rejects.toThrow(
    `the S3 store at ${endpoint} cannot be used (called off). Start it`,
  );
  await closed.promise;
});
