import { expect, test } from 'vitest';
import type { SeedUpgrade } from '../../../shared/api/seed-check-answers.ts';
import { type Changes, whatChanges } from './what-changes.ts';

const NONE: Changes = { renamed: [], gone: [], added: [], newer: [] };

test.each<[situation: string, installed: string[], answer: SeedUpgrade, changes: Partial<Changes>]>([
  ['all go on', ['vim', 'luci'], { packages: ['luci', 'vim'] }, {}],
  [
    'a library has the version of its ABI behind its name',
    ['libubox20230523', 'libnghttp2-14'],
    { packages: ['libubox', 'libnghttp2'] },
    {},
  ],
  ['a package that begins like another', ['vim-full'], { packages: ['vim'] }, { gone: ['vim-full'], added: ['vim'] }],
  ['one has another name', ['auc'], { packages: ['owut'] }, { renamed: [{ from: 'auc', to: 'owut' }] }],
  [
    'the new one was there already',
    ['auc', 'owut'],
    { packages: ['owut'] },
    { renamed: [{ from: 'auc', to: 'owut' }] },
  ],
  [
    'a language pack goes with its application',
    ['luci-app-opkg', 'luci-i18n-opkg-de'],
    { packages: ['luci-app-package-manager', 'luci-i18n-package-manager-de'] },
    {
      renamed: [
        { from: 'luci-app-opkg', to: 'luci-app-package-manager' },
        { from: 'luci-i18n-opkg-de', to: 'luci-i18n-package-manager-de' },
      ],
    },
  ],
  ['English is in the application', ['luci-i18n-base-en'], { packages: [] }, { gone: ['luci-i18n-base-en'] }],
  [
    'two became one',
    ['wpad-mini', 'wpad-basic-wolfssl'],
    { packages: ['wpad-basic-mbedtls'] },
    {
      renamed: [
        { from: 'wpad-basic-wolfssl', to: 'wpad-basic-mbedtls' },
        { from: 'wpad-mini', to: 'wpad-basic-mbedtls' },
      ],
    },
  ],
  ['one is dropped', ['vim', 'old'], { packages: ['vim'], dropped: ['old'] }, { gone: ['old'] }],
  ['what every image has is no change', ['kernel', 'libc', 'libgcc1', 'vim'], { packages: ['vim'] }, {}],
  ['something comes', ['vim'], { packages: ['vim', 'vim-runtime'] }, { added: ['vim-runtime'] }],
  [
    'versions differ',
    ['vim'],
    { packages: ['vim'], upgrades: { vim: ['9.1', '8'] } },
    {
      newer: [{ name: 'vim', installed: '8', offered: '9.1' }],
    },
  ],
  ['only a version was answered', [], { version: '25.12.1' }, {}],
])('%s', (_, installed, answer, changes) => {
  expect(whatChanges(installed, answer)).toEqual({ ...NONE, ...changes });
});
