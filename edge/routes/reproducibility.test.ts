import { beforeAll, expect, test } from 'vitest';
import { alterTables, ask, foremanStub, jsonOf, openUpstream } from '../edge.fixture.ts';

beforeAll(async () => {
  await openUpstream();
});

test('what was built more than once is told to everybody, with whether that suffices', async () => {
  await alterTables(
    foremanStub(),
    `INSERT INTO reproducibility (branch, target, agreed, unexplained, explained, last_at) VALUES
     ('24.10', 'x86/64', 5, 0, 2, 0), ('24.10', 'ath79/generic', 4, 0, 0, 0), ('SNAPSHOT', 'x86/64', 90, 1, 0, 0)`,
  );
  const answer = await ask('/api/v1/reproducibility');
  expect(answer.status).toBe(200);
  const measured = { measured_at: '1970-01-01T00:00:00.000000Z' };
  expect(await jsonOf(answer)).toEqual({
    targets: [
      {
        branch: '24.10',
        target: 'ath79/generic',
        reproducible: false,
        agreed: 4,
        unexplained: 0,
        explained: 0,
        ...measured,
      },
      { branch: '24.10', target: 'x86/64', reproducible: true, agreed: 5, unexplained: 0, explained: 2, ...measured },
      {
        branch: 'SNAPSHOT',
        target: 'x86/64',
        reproducible: false,
        agreed: 90,
        unexplained: 1,
        explained: 0,
        ...measured,
      },
    ],
  });
});
