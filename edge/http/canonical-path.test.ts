import { expect, test } from 'vitest';
import { canonicalPath } from './canonical-path.ts';

test.each([
  ['/api/v1/build', '/api/v1/build'],
  ['//api/v1/build', '/api/v1/build'],
  ['/api//v1///build', '/api/v1/build'],
  ['/api/v1/build//', '/api/v1/build/'],
  ['/api/v1/build?a=//b', '/api/v1/build'],
  ['/json//json/0123/', '/json/0123/'],
  ['/download//json/0123//x.bin', '/download/0123/x.bin'],
  ['/json/json', '/json/json'],
  ['/download/json', '/download/json'],
  ['/store/json/x', '/store/json/x'],
  ['/', '/'],
  ['//', '/'],
])('%s means %s', (path, canonical) => {
  expect(canonicalPath(new Request(`https://asu.example${path}`))).toBe(canonical);
});
