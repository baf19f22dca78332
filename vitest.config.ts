import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

/**
 * Five projects. `shared` runs twice, because a hash that differs between the runtimes would be a split brain; `edge` runs
 * in the real Worker runtime; `farm` runs real processes; `e2e` runs the whole stack and kills things, each file its own.
 * The limits of time are for what hangs: none of them may tell a slow machine from a fast one.
 */

/** Of a machine with two cores Vitest would leave one idle, and run one file after the other. */
const ALL_CORES = { maxWorkers: '100%' };
/** A whole stack waits more than it works; but a dozen on a large machine would only wait for each other. */
const SOME_STACKS = { maxWorkers: 3, sequence: { groupOrder: 1 } };

/** Told to each project, since tests in the Worker's runtime see no environment; see shared/chance.fixture.ts. */
const provide = { fuzzSeed: Number(process.env.FUZZ_SEED ?? 20_261_101) };
if (!Number.isSafeInteger(provide.fuzzSeed))
  throw new Error(`FUZZ_SEED: expected a whole number, got ${process.env.FUZZ_SEED}`);

export default defineConfig({
  test: {
    reporters: ['default', './e2e/closing-line.ts'],
    projects: [
      { test: { name: 'shared', include: ['shared/**/*.test.ts'], testTimeout: 60_000, provide, ...ALL_CORES } },
      {
        plugins: [cloudflareTest({ miniflare: { compatibilityDate: '2026-11-01' } })],
        test: { name: 'shared-workerd', include: ['shared/**/*.test.ts'], testTimeout: 60_000, provide, ...ALL_CORES },
      },
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: './wrangler.toml' },
            miniflare: {
              bindings: {
                SERVER_KEY: '5e'.repeat(32),
                ADMIN_KEY: 'ad'.repeat(32),
                ALLOW_DEFAULTS: '1',
                // Of these a test has as many as it wants to; by chance they would come into every other.
                TRUST_POLICY: '{"canary_one_in":0,"rebuild_one_in":0,"rebuilds_a_day":0}',
                PUBLIC_URL: 'https://asu.example',
                // Of the test mirror; edge.fixture.ts says so if it is another.
                UPSTREAM_KEYS: '["RWT+gSwS86tM5upKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs"]',
              },
            },
          }),
        ],
        test: {
          name: 'edge',
          include: ['edge/**/*.test.ts'],
          globalSetup: ['e2e/swift.global-setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          provide,
          ...ALL_CORES,
        },
      },
      {
        test: {
          name: 'farm',
          include: ['farm/**/*.test.ts', 'bench/**/*.test.ts'],
          globalSetup: ['farm/test-tools.global-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          provide,
          ...ALL_CORES,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['e2e/**/*.test.ts'],
          globalSetup: ['e2e/swift.global-setup.ts', 'farm/test-tools.global-setup.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          provide,
          ...SOME_STACKS,
        },
      },
    ],
  },
});
