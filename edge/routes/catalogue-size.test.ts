/** The catalogue at the size of upstream and beyond: 30 versions of 100 targets, 10,000 packages, 350 devices. */
import { beforeAll, describe, expect, it } from 'vitest';
import { openClock, withCatalogue } from '../catalogue/catalogue.fixture.ts';
import { type Mirror, openMirror } from '../catalogue/mirror.fixture.ts';
import { jsonOf } from '../edge.fixture.ts';
import { openIsolate } from '../isolate.fixture.ts';

const VERSIONS = Array.from({ length: 30 }, (_, n) => `24.10.${29 - n}`);
const TARGETS = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`soc${n}/generic`, `arch_${n % 40}`]));
const PACKAGES = Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`package-${n}`, `${n}.1~abcdef-r1`]));
const device = (n: number) => ({
  image_prefix: `openwrt-device-${n}`,
  images: Array.from({ length: 4 }, (_, k) => ({ name: `device-${n}-${k}.bin`, sha256: 'ab'.repeat(32), size: 1 })),
  supported_devices: [`acme,device-${n}`],
  titles: [{ vendor: 'Acme', model: `Device ${n}` }],
  device_packages: ['kmod-e1000'],
});
const DEVICES = Object.fromEntries(Array.from({ length: 350 }, (_, n) => [`acme_device-${n}`, device(n)]));
/** A third of them, and one in every version, since a test has not the whole day. */
const ASKED = Object.keys(TARGETS).slice(0, 33);
const newest = VERSIONS[0] as string;
let mirror: Mirror;

beforeAll(async () => {
  mirror = await openMirror();
  mirror.publishVersions(Object.fromEntries(VERSIONS.map((version) => [version, TARGETS])));
  const publish = (version: string, target: string, more: object = {}) =>
    mirror.publishTarget({ version, target, arch: TARGETS[target] ?? '', revision: `r1-${version}`, ...more });
  for (const target of ASKED) await publish(newest, target);
  for (const version of VERSIONS) await publish(version, 'soc1/generic');
  await publish(newest, 'soc0/generic', { packages: PACKAGES, profiles: { profiles: DEVICES } });
  mirror.publishArch(newest, 'arch_0', { base: PACKAGES, luci: { 'luci-base': '1' } }, 'opkg');
}, 60_000);

describe('thirty versions of a hundred targets', () => {
  it('are one overview', async () => {
    const isolate = openIsolate(mirror);
    const { branches } = await jsonOf(await isolate.ask('/json/v1/overview.json'));
    expect((branches as Record<string, unknown>)['24.10']).toMatchObject({ versions: VERSIONS, targets: TARGETS });
  });

  it('are served, many at once, and kept fresh by an alarm with two small questions a target', async () => {
    const places = [
      ...ASKED.map((target) => [newest, target] as const),
      ...VERSIONS.slice(1).map((version) => [version, 'soc1/generic'] as const),
    ];
    const clock = openClock();
    await withCatalogue(mirror, clock, async (catalogue, state) => {
      for (const isolate of [1, 2].map(() => openIsolate(mirror, { CATALOGUE: { getByName: () => catalogue } })))
        await Promise.all(
          places.map(async ([version, target]) => {
            const revision = await isolate.ask(`/api/v1/revision/${version}/${target}`);
            expect([target, await revision.json()]).toEqual([target, { revision: `r1-${version}` }]);
          }),
        );
      await state.storage.deleteAlarm();
      mirror.requests.length = 0;
      clock.ms += 60_000;
      await catalogue.alarm();
      await state.storage.deleteAlarm();
      const ofTargets = mirror.requests.filter((path) => path.includes('/targets/'));
      expect(ofTargets.length).toBe(2 * places.length);
      expect(ofTargets.every((path) => path.endsWith('if-none-match'))).toBe(true);
    });
  }, 60_000);
});

describe('ten thousand packages and hundreds of devices', () => {
  it('are served whole', async () => {
    const isolate = openIsolate(mirror);
    const path = `/json/v1/releases/${newest}`;
    const index = await jsonOf(await isolate.ask(`${path}/targets/soc0/generic/index.json`));
    expect(index).toEqual({ architecture: 'arch_0', packages: PACKAGES });
    expect(await jsonOf(await isolate.ask(`${path}/packages/arch_0-index.json`))).toEqual({
      ...PACKAGES,
      'luci-base': '1',
    });
    for (const n of [0, 349])
      expect(await jsonOf(await isolate.ask(`${path}/targets/soc0/generic/acme,device-${n}.json`))).toMatchObject({
        ...device(n),
        id: `acme_device-${n}`,
      });
  });
});
