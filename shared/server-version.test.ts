import { expect, test } from 'vitest';
import packageJson from '../package.json';
import { SERVER_VERSION } from './server-version.ts';

test('the version told to clients and nodes is the one of the package', () => {
  expect(SERVER_VERSION).toBe(packageJson.version);
});
