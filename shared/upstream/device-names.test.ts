import { expect, test } from 'vitest';
import { deviceNames } from './device-names.ts';

test('a target and a profile are written once, names of one device stay together', () => {
  const entry = (model: string, target: string, profile: string) => ({ model, target, profile });
  expect(
    deviceNames([
      entry('Acme One', 'a/x', 'one'),
      entry('Beta Two', 'b/x', 'two'),
      entry('First One', 'a/x', 'one'),
      entry('constructor', 'a/x', 'constructor_x'),
    ]),
  ).toEqual({
    'a/x': { one: ['Acme One', 'First One'], constructor_x: ['constructor'] },
    'b/x': { two: ['Beta Two'] },
  });
  expect(deviceNames([])).toEqual({});
});

test.each(['constructor', 'toString', 'valueOf'])('a profile may be called %s', (profile) => {
  expect(deviceNames([{ model: 'M', target: 'a/x', profile }])).toEqual({ 'a/x': { [profile]: ['M'] } });
});
