import { expect, test } from 'vitest';
import { canonicalPath } from './canonical-path.ts';

test.each([
  ['/api/v1/build', '/api/v1/build'],
  ['//api/v1/build', '/api/v1/build'],
  ['/api//v1///build', '/api/v1/build'],
  ['/api/v1/build//', '/api/v1/build/'],
  ['/api/v1/build?a=//b', '/api/v1/build'],
  ['/', '/'],
  ['//', '/'],
])('%s means %s', (path, canonical) => {
  expect(canonicalPath(new Request(`https://asu.example${path}`))).toBe(canonical);
});
