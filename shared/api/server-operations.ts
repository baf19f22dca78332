/** The routes by which the server tells of itself. */
import type { Operation } from './operation.ts';

export const SERVER_OPERATIONS: readonly Operation[] = [
  {
    method: 'get',
    paths: ['/healthz'],
    id: 'getHealth',
    tag: 'server',
    summary: 'What is up and what is down',
    answers: {
      200: { text: 'Requests can be answered.', shapes: ['Health'] },
      503: { text: 'They cannot.', shapes: ['Health'] },
    },
    errors: ['too_many_requests'],
  },
  {
    method: 'get',
    paths: ['/livez'],
    id: 'getLiveness',
    tag: 'server',
    summary: 'That it answers; no part behind it is asked',
    answers: { 200: { text: 'It does.', shapes: ['Live'] } },
  },
  {
    method: 'get',
    paths: ['/metrics'],
    id: 'getMetrics',
    tag: 'server',
    summary: 'Numbers for Prometheus',
    answers: { 200: { text: "Prometheus' text format.", mediaType: 'text/plain' } },
    errors: ['too_many_requests'],
  },
  {
    method: 'get',
    paths: ['/openapi.json'],
    id: 'getApiDocument',
    tag: 'server',
    summary: 'This document',
    answers: {
      200: { text: 'OpenAPI 3.1.', mediaType: 'application/json', headers: ['ETag'] },
      304: { text: '`If-None-Match` names it.', headers: ['ETag'] },
    },
  },
  {
    method: 'get',
    paths: ['/docs'],
    id: 'readApi',
    tag: 'server',
    summary: 'This document, to be read and tried',
    answers: { 200: { text: 'A page.', mediaType: 'text/html' } },
  },
];
