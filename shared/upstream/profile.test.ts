import { expect, test } from 'vitest';
import { namedProfile, resolveProfile } from './profile.ts';
import { profileEntry } from './upstream.fixture.ts';

const many = {
  'tplink_archer-c7-v4': profileEntry({ supportedDevices: ['tplink,archer-c7-v4', 'archer-c7-v4'] }),
  'tplink_archer-c7-v5': profileEntry({ supportedDevices: ['tplink,archer-c7-v5', 'archer-c7-v4', 'generic'] }),
  fsl_T4240RDB: profileEntry(),
};
const onlyGeneric = { generic: profileEntry() };
const pi = {
  rpi: profileEntry({ supportedDevices: ['raspberrypi,model-b', 'raspberrypi,model-b-plus', 'a,b'] }),
  second: profileEntry({ supportedDevices: ['a_b'] }),
};
const onlyOther = { rpi: profileEntry() };

test.each([
  ['the id itself', 'tplink_archer-c7-v4', many, 'tplink_archer-c7-v4'],
  ['an id with capitals', 'fsl_T4240RDB', many, 'fsl_T4240RDB'],
  ['another case', 'fsl_t4240rdb', many, null],
  ['the board name', 'tplink,archer-c7-v5', many, 'tplink_archer-c7-v5'],
  ['an alias as auc writes it, where the id is another', 'raspberrypi_model-b-plus', pi, 'rpi'],
  ['an alias as upstream has it, before the spelling of another', 'a_b', pi, 'second'],
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

test('only to build does any name stand for generic: what is shown of a device is asked for by its name', () => {
  expect(namedProfile('QEMU Standard PC', onlyGeneric)).toBeNull();
  expect(namedProfile('generic', onlyGeneric)).toBe('generic');
  expect(namedProfile('tplink,archer-c7-v5', many)).toBe('tplink_archer-c7-v5');
});
