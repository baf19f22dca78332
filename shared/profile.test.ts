import { expect, test } from 'vitest';
import { resolveProfile } from './profile.ts';
import { profileEntry } from './upstream.fixture.ts';

const many = {
  'tplink_archer-c7-v4': profileEntry({ supportedDevices: ['tplink,archer-c7-v4', 'archer-c7-v4'] }),
  'tplink_archer-c7-v5': profileEntry({ supportedDevices: ['tplink,archer-c7-v5', 'archer-c7-v4', 'generic'] }),
  fsl_T4240RDB: profileEntry(),
};
const onlyGeneric = { generic: profileEntry() };
const onlyOther = { rpi: profileEntry() };

test.each([
  ['the id itself', 'tplink_archer-c7-v4', many, 'tplink_archer-c7-v4'],
  ['an id with capitals', 'fsl_T4240RDB', many, 'fsl_T4240RDB'],
  ['another case', 'fsl_t4240rdb', many, null],
  ['the board name', 'tplink,archer-c7-v5', many, 'tplink_archer-c7-v5'],
  ['an alias of two devices: the first', 'archer-c7-v4', many, 'tplink_archer-c7-v4'],
  ['a name of nobody', 'nosuch', many, null],
  ['a name of the language', '__proto__', many, null],
  ['another name of the language', 'constructor', many, null],
  ['a make pattern', '%', many, null],
  ['nothing', '', many, null],
  ['whatever the firmware said, where there is only generic', 'QEMU Standard PC', onlyGeneric, 'generic'],
  ['whatever the firmware said, where there is one other', 'QEMU Standard PC', onlyOther, null],
  ['generic, where it is but an alias', 'generic', many, 'tplink_archer-c7-v5'],
  ['anything on a target without profiles', 'generic', {}, null],
])('%s', (_, name, profiles, id) => {
  expect(resolveProfile(name, profiles)).toBe(id);
  // The second time from the table of aliases.
  expect(resolveProfile(name, profiles)).toBe(id);
});
