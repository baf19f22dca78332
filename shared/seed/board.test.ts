import { describe, expect, it, test } from 'vitest';
import { resolveBoard } from './board.ts';

const device = (supportedDevices: string[], ...titles: Record<string, string>[]) => ({ supportedDevices, titles });
const ath79 = {
  'tplink_tl-wdr4300-v1': device(['tplink,tl-wdr4300-v1', 'tl-wdr4300'], {
    vendor: 'TP-Link',
    model: 'TL-WDR4300',
    variant: 'v1',
  }),
  'ubnt_nanostation-m': device(['ubnt,nanostation-m', 'ubnt-nano-m'], { vendor: 'Ubiquiti', model: 'Nanostation M' }),
  'twin-a': device([], { title: 'Twin' }),
  'twin-b': device([], { title: 'Twin' }),
  untitled: device([], {}),
};
const of = (board: string, model: string, profiles: Parameters<typeof resolveBoard>[1] = ath79) =>
  resolveBoard({ board, model }, profiles);

const RENAMES = [
  ['nanostation-m', 'ubnt-nano-m'],
  ['nanostation-m-xw', 'ubnt-nano-m-xw'],
  ['loco-m', 'ubnt-loco-m'],
  ['loco-m-xw', 'ubnt-loco-m-xw'],
  ['tl-wdr3500', 'tl-wdr3500-v1'],
  ['tl-wdr4300', 'tl-wdr4300-v1'],
  ['tl-wr741', 'tl-wr741-v1'],
  ['armada-385-linksys-rango', 'linksys-wrt3200acm'],
] as const;

test.each(RENAMES)('the board %s is %s since', (board, profile) => {
  expect(of(board, '', { [profile]: device([]), other: device([]) })).toBe(profile);
});

test('who says nothing has no device, not even one that upstream gives an empty name', () => {
  expect(of('', '', { one: device(['']), other: device([], { title: '' }) })).toBeNull();
});

describe('a device', () => {
  it.each([
    ["is found by its profile's id", 'tplink_tl-wdr4300-v1', '', 'tplink_tl-wdr4300-v1'],
    ['by its board name with a comma', 'tplink,tl-wdr4300-v1', '', 'tplink_tl-wdr4300-v1'],
    ['by a name among the supported devices', 'tl-wdr4300', '', 'tplink_tl-wdr4300-v1'],
    ['by a rename that leads to a supported device', 'nanostation-m', '', 'ubnt_nanostation-m'],
    ['by its model, whatever the case', '', 'tp-link tl-wdr4300 V1', 'tplink_tl-wdr4300-v1'],
    ['by its model where the board is unknown', 'never-heard-of', 'Ubiquiti Nanostation M', 'ubnt_nanostation-m'],
    ['not by a rename that leads nowhere', 'tl-wdr3500', '', null],
    ['not by a part of its model', '', 'TL-WDR4300', null],
    ['not by a model that two devices have', '', 'Twin', null],
    ['not by nothing', '', '', null],
    ['by its board, whatever its model', 'ubnt-nano-m', 'TP-Link TL-WDR4300 v1', 'ubnt_nanostation-m'],
    ['not by a word of the language', 'constructor', '__proto__', null],
  ])('%s', (_, board, model, profile) => {
    expect(of(board, model)).toBe(profile);
  });

  it.each([
    ['is generic where that is the only profile', { generic: device([]) }, 'generic'],
    ['is Generic where that is the only profile', { Generic: device([]) }, 'Generic'],
    ['is nothing where generic is one of two', { generic: device([]), other: device([]) }, null],
    ['is nothing where the only profile is another', { other: device([]) }, null],
    ['is nothing where there are none', {}, null],
  ])('unknown %s', (_, profiles, profile) => {
    expect(of('innotek GmbH VirtualBox', 'VirtualBox', profiles)).toBe(profile);
  });
});
