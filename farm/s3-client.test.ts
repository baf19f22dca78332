/** What a store is asked with: the key of an owner, and the token that a temporary one is nothing without. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { askS3 } from './s3-client.ts';

async function askedWith(more: { readonly sessionToken?: string }): Promise<IncomingHttpHeaders> {
  let seen: IncomingHttpHeaders = {};
  const server = createServer(({ headers }, response) => {
    seen = headers;
    response.writeHead(200, { etag: '"e"' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const place = { endpoint, region: 'auto', accessKeyId: 'k', secretAccessKey: 's', ...more };
  await askS3(place, AbortSignal.timeout(10_000), (client) => client.putObject('bucket', 'key', Buffer.from('x'), 1));
  return seen;
}

test('a session token is sent, and covered by the signature', async () => {
  const headers = await askedWith({ sessionToken: 'until-friday' });
  expect(headers['x-amz-security-token']).toBe('until-friday');
  expect(headers.authorization).toMatch(/SignedHeaders=[^,]*x-amz-security-token/);
});

test('a key that is for good comes without one', async () => {
  const headers = await askedWith({});
  expect(headers).not.toHaveProperty('x-amz-security-token');
  expect(headers.authorization).toContain('Credential=k/');
});
