import { describe, expect, it } from 'vitest';
import { BuildError } from '../build/build-error.ts';
import { type Conditions, checkPackageVersions, checkRevision } from './conditions.ts';

function failure(work: () => void): [string, string] | null {
  try {
    work();
    return null;
  } catch (error) {
    if (error instanceof BuildError) return [error.kind, error.detail];
    throw error;
  }
}

const conditions = (fields: Partial<Conditions>): Conditions => ({
  version_code: '',
  packages_versions: {},
  ...fields,
});

describe('a revision', () => {
  it.each([
    ['that was not asked for', '', null],
    ['that is the current one', 'r2-b', null],
    ['that has moved', 'r1-a', ['revision_changed', 'Error: Received incorrect version r2-b (requested r1-a)']],
    [
      'that is the beginning of the current one',
      'r2',
      ['revision_changed', 'Error: Received incorrect version r2-b (requested r2)'],
    ],
  ])('%s', (_, version_code, expected) => {
    expect(failure(() => checkRevision(conditions({ version_code }), 'r2-b'))).toEqual(expected);
  });
});

describe('package versions', () => {
  const manifest = new Map([
    ['vim', '9.1'],
    ['curl', '8.1'],
  ]);
  it.each<[string, Record<string, string>, 'is an error' | 'says nothing', [string, string] | null]>([
    ['that were not asked for', {}, 'is an error', null],
    ['that agree', { vim: '9.1', curl: '8.1' }, 'is an error', null],
    ['of which any will do', { vim: '' }, 'is an error', null],
    [
      'of which one differs',
      { curl: '8.1', vim: '9.0' },
      'is an error',
      ['version_mismatch', 'Error: Impossible package selection: vim version not as requested: 9.0 vs. 9.1'],
    ],
    [
      'of a package that a manifest does not have',
      { nano: '' },
      'is an error',
      ['version_mismatch', 'Error: Impossible package selection: nano not in manifest'],
    ],
    ['of a package that an index does not have', { nano: '1' }, 'says nothing', null],
    [
      'of an absent package and a wrong one, by an index',
      { nano: '1', vim: '8' },
      'says nothing',
      ['version_mismatch', 'Error: Impossible package selection: vim version not as requested: 8 vs. 9.1'],
    ],
  ])('%s', (_, packages_versions, absent, expected) => {
    const check = () => checkPackageVersions(conditions({ packages_versions }), (name) => manifest.get(name), absent);
    expect(failure(check)).toEqual(expected);
  });
});
