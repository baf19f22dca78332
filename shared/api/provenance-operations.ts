/** The routes by which anybody checks an image: who made it from what, and the log of everything that was published. */
import type { Answer, Operation } from './operation.ts';

const ENVELOPE = 'A DSSE envelope, signed by the key at `/keys/edge.pub`.';

const record = (text: string): Answer => ({ text, shapes: ['SignedEnvelope'] });

export const PROVENANCE_OPERATIONS: readonly Operation[] = [
  {
    method: 'get',
    paths: ['/api/v1/build/{request_hash}/provenance'],
    id: 'getProvenance',
    tag: 'trust',
    summary: 'Who made an image, from what',
    text: 'Kept longer than the image. `asu verify` checks it, and so does every tool that reads in-toto statements; each tells how to make the image again.',
    answers: {
      200: { text: 'What vouches for the image.', shapes: ['Provenance'] },
      404: { text: 'No such image was published.', shapes: ['Problem'] },
    },
    errors: ['too_many_requests'],
  },
  {
    method: 'get',
    paths: ['/log/head'],
    id: 'getLogHead',
    tag: 'trust',
    summary: 'Where the log of published images ends',
    text: 'Its payload names the last record by number and digest, and the nodes that are believed no more. Who keeps one sees later whether the log was changed.',
    answers: {
      200: record(ENVELOPE),
      404: { text: 'Nothing was published yet.', shapes: ['Problem'] },
    },
    errors: ['too_many_requests'],
  },
  {
    method: 'get',
    paths: ['/log/{number}'],
    id: 'getLogRecord',
    tag: 'trust',
    summary: 'A record of the log',
    text: 'Its payload names an image, who vouches for it, and the digest of the record before. Of an image with `defaults` it holds a digest that says nothing to others.',
    answers: {
      200: record(ENVELOPE),
      404: { text: 'There is no such record.', shapes: ['Problem'] },
    },
    errors: ['too_many_requests'],
  },
  {
    method: 'get',
    head: true,
    paths: ['/keys/edge.pub'],
    id: 'getEdgeKey',
    tag: 'trust',
    summary: 'The key that vouches for images',
    text: 'Have it once by a way that you trust: whoever can put another one in its place can put another image there too.',
    answers: {
      200: { text: 'An Ed25519 public key, as PEM.', mediaType: 'text/plain', headers: ['Content-Length', 'ETag'] },
      206: {
        text: 'The part that `Range` asked for.',
        mediaType: 'text/plain',
        headers: ['Content-Length', 'Content-Range', 'ETag'],
      },
      304: { text: '`If-None-Match` names it.', headers: ['ETag'] },
      416: { text: '`Range` lies outside the file.', shapes: ['Problem'], headers: ['Content-Range'] },
    },
  },
];
