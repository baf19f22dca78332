import { expect, test } from 'vitest';
import type { ProfilesDocument } from './catalogue-document.ts';
import { profileAnswer } from './profile-answer.ts';

const router = {
  image_prefix: 'openwrt-router',
  images: [{ name: 'a.bin' }],
  supported_devices: ['acme,router', 'rt1'],
};
const documentWith = (metadata: Record<string, unknown>, profile: object = router): ProfilesDocument => ({
  kind: 'profiles',
  version: '24.10.2',
  target: 'ath79/generic',
  metadata: { target: 'ath79/generic', version_code: 'r1-1', ...metadata },
  profiles: { acme_router: { supportedDevices: ['acme,router', 'rt1'], json: JSON.stringify(profile) } },
  signedBy: 'unsigned',
  fetchedAt: 0,
  checkedAt: 0,
});

test('a device is what upstream says of its target and of it, its id and when it was built', () => {
  expect(profileAnswer(documentWith({ source_date_epoch: 1_727_094_886 }), 'acme_router')).toEqual({
    target: 'ath79/generic',
    version_code: 'r1-1',
    source_date_epoch: 1_727_094_886,
    ...router,
    id: 'acme_router',
    build_at: '2024-09-23T12:34:46.000000Z',
  });
});

test.each(['acme,router', 'rt1'])('asked for as %s it says its real id', (name) => {
  expect(profileAnswer(documentWith({}), name)).toMatchObject({ id: 'acme_router' });
});

test.each(['nosuch', '__proto__', 'constructor', ''])('%j is no device', (name) => {
  expect(profileAnswer(documentWith({}), name)).toBeNull();
});

test('what upstream says of the device comes before what it says of the target, and neither names another id', () => {
  const profile = { version_code: 'r2-2', id: 'other', build_at: 'never', ['__proto__']: { polluted: 1 } };
  const answer = profileAnswer(documentWith({ id: 'of all' }, profile), 'acme_router');
  expect(answer).toMatchObject({ version_code: 'r2-2', id: 'acme_router', build_at: '1970-01-01T00:00:00.000000Z' });
  expect(Object.getPrototypeOf(answer)).toBe(Object.prototype);
});

test.each([undefined, 'today', -1, Number.NaN, 1e300])('a time of %j is none', (source_date_epoch) => {
  expect(profileAnswer(documentWith({ source_date_epoch }), 'rt1')?.build_at).toBe('1970-01-01T00:00:00.000000Z');
});
