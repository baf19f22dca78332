import { describe, expect, it } from 'vitest';
import { readBody, readText } from './read-body.ts';

const chunked = (...texts: string[]) =>
  new ReadableStream<Uint8Array>({
    start(controller) {
      for (const text of texts) controller.enqueue(new TextEncoder().encode(text));
      controller.close();
    },
  });
const request = (body: BodyInit | null, headers: Record<string, string> = {}) =>
  new Request('https://asu.example/', { method: 'POST', body, headers });
const read = async (...args: Parameters<typeof readBody>) => new TextDecoder().decode(await readBody(...args));

describe('a body', () => {
  it.each<[string, Request, string]>([
    ['with its length', request('12345', { 'content-length': '5' }), '12345'],
    ['in chunks', request(chunked('12', '', '345')), '12345'],
    ['of one chunk', request(chunked('12345')), '12345'],
    ['without a byte', request(chunked()), ''],
    ['that is none', request(null), ''],
  ])('%s is read whole', async (_, body, text) => {
    expect(await read(body, 5)).toBe(text);
  });

  it.each<[string, Request]>([
    ['by its length', request('123456', { 'content-length': '6' })],
    ['by a length beyond all numbers', request('1', { 'content-length': '9'.repeat(30) })],
    ['by its chunks', request(chunked('123', '456'))],
    ['by one chunk', request(chunked('123456'))],
  ])('too long %s is refused', async (_, body) => {
    await expect(readBody(body, 5)).rejects.toMatchObject({
      kind: 'body_too_large',
      detail: expect.stringContaining('at most 5 bytes'),
    });
  });

  it('that breaks off is the client’s error, not a shorter body and no fault of ours', async () => {
    const broken = () =>
      new ReadableStream<Uint8Array>({
        pull(controller) {
          controller.error(new Error('connection lost'));
        },
      });
    await expect(readBody(request(broken()), 5)).rejects.toMatchObject({ kind: 'invalid_request' });
    await expect(readText(request(broken(), { 'content-length': '5' }), 5)).rejects.toMatchObject({
      kind: 'invalid_request',
      detail: 'body: expected a whole body, got a part of one',
    });
  });
});
