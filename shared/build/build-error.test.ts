import { describe, expect, it, test } from 'vitest';
import {
  BUILD_ERRORS,
  BuildError,
  type BuildErrorKind,
  impossibleSelection,
  isBuildErrorKind,
  isDeterministic,
  isRemembered,
  kindFromNode,
  missingPackages,
} from './build-error.ts';

/** The whole table: a kind that is added without a thought for these columns fails here. */
const TABLE: Record<BuildErrorKind, [status: number, retry: string, remembered: boolean]> = {
  invalid_request: [422, 'never', true],
  bad_request: [400, 'never', true],
  body_too_large: [413, 'never', true],
  unsupported: [400, 'never', true],
  unknown_package: [500, 'never', true],
  conflict: [500, 'never', true],
  version_mismatch: [500, 'never', false],
  revision_changed: [500, 'never', false],
  image_too_big: [500, 'never', true],
  no_sysupgrade: [500, 'never', true],
  build_failed: [500, 'never', true],
  upstream_unavailable: [503, 'elsewhere', false],
  node_lost: [503, 'elsewhere', false],
  timeout: [503, 'elsewhere', false],
  disk_full: [503, 'elsewhere', false],
  upload_failed: [503, 'elsewhere', false],
  internal: [503, 'elsewhere', false],
  cancelled: [503, 'later', false],
  queue_full: [503, 'later', false],
  too_many_requests: [429, 'later', false],
};

test('the table has these kinds and no others', () => {
  expect(Object.keys(BUILD_ERRORS).sort()).toEqual(Object.keys(TABLE).sort());
});

describe.each(Object.entries(TABLE) as [BuildErrorKind, [number, string, boolean]][])(
  '%s',
  (kind, [status, retry, remembered]) => {
    it(`answers ${status}, is retried ${retry}, is ${remembered ? '' : 'not '}remembered`, () => {
      expect([BUILD_ERRORS[kind].status, BUILD_ERRORS[kind].retry, isRemembered(kind)]).toEqual([
        status,
        retry,
        remembered,
      ]);
      expect(isDeterministic(kind)).toBe(retry === 'never');
    });

    it('has a text of its own', () => {
      expect(new BuildError(kind).detail).toBe(BUILD_ERRORS[kind].text);
      expect(BUILD_ERRORS[kind].text).toMatch(/^[A-Z].{10}/);
    });

    it('blames an impossible selection only where the selection is to blame', () => {
      const blames = /impossible/i.test(BUILD_ERRORS[kind].text);
      expect(blames).toBe(['unknown_package', 'conflict', 'version_mismatch'].includes(kind));
      if (retry === 'elsewhere') expect(BUILD_ERRORS[kind].text).toContain('not a fault of your request');
    });
  },
);

test.each(['', 'Internal', '__proto__', 'constructor', 'toString', 'a_newer_kind'])('%j is no kind', (kind) => {
  expect(isBuildErrorKind(kind)).toBe(false);
});

test.each<[string, BuildErrorKind]>([
  ['conflict', 'conflict'],
  ['timeout', 'timeout'],
  ['internal', 'internal'],
  ['invalid_request', 'internal'],
  ['body_too_large', 'internal'],
  ['cancelled', 'internal'],
  ['queue_full', 'internal'],
  ['too_many_requests', 'internal'],
  ['a_newer_kind', 'internal'],
  ['constructor', 'internal'],
  ['', 'internal'],
])('a failure that a node calls %j counts as %s', (said, kind) => {
  expect(kindFromNode(said)).toBe(kind);
});

test.each<[string[], string[], string]>([
  [['a'], [], 'missing (a)'],
  [[], ['a', 'b'], 'conflicts (a, b)'],
  [['a', 'b'], ['c'], 'missing (a, b) conflicts (c)'],
])(
  'without %j, and with %j in conflict, a selection is told as impossible in one sentence',
  (missing, others, told) => {
    expect(impossibleSelection(missing, others)).toBe(`Error: Impossible package selection: ${told}`);
  },
);

test('a selection from which packages are missing is told of these alone', () => {
  expect(impossibleSelection(['a'])).toBe('Error: Impossible package selection: missing (a)');
});

test('an error that was given nothing more carries nothing more', () => {
  expect(new BuildError('conflict')).toMatchObject({ errors: [], stdout: '', stderr: '' });
});

test('an error carries what it was given, and its cause for the log only', () => {
  const error = new BuildError('conflict', 'Error: a and b', {
    errors: [{ path: 'packages.0', message: 'expected x' }],
    stdout: 'out',
    stderr: 'err',
    cause: 'node 7 said so',
  });
  expect(error).toMatchObject({ kind: 'conflict', detail: 'Error: a and b', stdout: 'out', stderr: 'err' });
  expect(error.errors).toEqual([{ path: 'packages.0', message: 'expected x' }]);
  expect(error.cause).toBe('node 7 said so');
  expect(error.message).not.toContain('node 7');
});

test.each<[string, string, string[]]>([
  [
    'of missing packages names them, sorted',
    impossibleSelection(['zz', 'libstdc++', 'a.b']),
    ['a.b', 'libstdc++', 'zz'],
  ],
  ['of both kinds names the missing ones', impossibleSelection(['b', 'a'], ['c', 'd']), ['a', 'b']],
  ['of conflicts alone names none', impossibleSelection([], ['c', 'd']), []],
  ['without a list names none', BUILD_ERRORS.unknown_package.text, []],
  ['in other words than ours names no more than names', 'x: missing (a b, ok, -no, so:lib.so.1, \r\nx: y)', ['ok']],
])('a sentence about a selection %s', (_, detail, names) => {
  expect(missingPackages(detail)).toEqual(names);
});
