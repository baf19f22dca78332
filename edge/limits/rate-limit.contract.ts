/** What every rate limit must do, whoever counts. A limit that refuses nobody, or everybody at once, would be found by no other test. */
import { describe, expect, it } from 'vitest';
import type { RateLimit } from './rate-limit.ts';

let clients = 0;
const nextClient = (): string => `client-${++clients}`.padEnd(32, '0');

/** `perMinute`: what `open` allows. */
export function describeRateLimit(name: string, perMinute: number, open: () => RateLimit): void {
  /** How many it was allowed. A minute may begin while it asks, and with it another share; not three. */
  async function takeAll(limit: RateLimit, client: string): Promise<number> {
    for (let taken = 0; taken <= 3 * perMinute; taken++) if (!(await limit.take(client))) return taken;
    throw new Error('expected a client that asks without end to be refused');
  }

  describe(`a rate limit ${name}`, () => {
    it('allows what was agreed, and refuses what is more', async () => {
      expect(await takeAll(open(), nextClient())).toBeGreaterThanOrEqual(perMinute);
    });

    it('says of whom it has just refused that nothing is left, and of nobody else', async () => {
      const limit = open();
      const [flooder, other] = [nextClient(), nextClient()];
      expect(limit.isSpent(flooder)).toBe(false);
      await takeAll(limit, flooder);
      expect([limit.isSpent(flooder), limit.isSpent(other)]).toEqual([true, false]);
    });

    it('refuses one client while it serves another', async () => {
      const limit = open();
      const [flooder, other] = [nextClient(), nextClient()];
      expect(await limit.take(other)).toBe(true);
      await takeAll(limit, flooder);
      expect(await limit.take(other)).toBe(true);
    });

    it('lets nobody reserve more than is left, and gives back what was not used', async () => {
      const limit = open();
      const client = nextClient();
      const reserveAll = (): number => {
        let reserved = 0;
        while (reserved < 20_000 && limit.reserve(client)) reserved++;
        return reserved;
      };
      const reserved = reserveAll();
      expect(reserved).toBeLessThan(20_000);
      expect(limit.isSpent(client)).toBe(true);
      await limit.settle(client, false);
      await limit.settle(client, false);
      expect(reserveAll()).toBe(2);
    });

    it('counts what was reserved and used as it counts all else', async () => {
      const limit = open();
      const [client, other] = [nextClient(), nextClient()];
      for (let used = 0; used < 3 * perMinute && limit.reserve(client); used++) await limit.settle(client, true);
      expect([limit.isSpent(client), await limit.take(client), await limit.take(other)]).toEqual([true, false, true]);
    });

    it('lets its client owe what has begun already: who then gets one back has nothing left yet', async () => {
      const limit = open();
      const [flooder, other] = [nextClient(), nextClient()];
      await takeAll(limit, flooder);
      for (const client of [flooder, flooder, flooder, other]) await limit.owe(client);
      await limit.settle(flooder, false);
      expect([limit.isSpent(flooder), limit.isSpent(other)]).toEqual([true, false]);
    });

    it('counts requests that come together', async () => {
      const limit = open();
      const client = nextClient();
      const taken = await Promise.all(Array.from({ length: 2 * perMinute + 10 }, () => limit.take(client)));
      expect(taken.filter((allowed) => allowed).length).toBeGreaterThanOrEqual(perMinute);
      expect(taken).toContain(false);
    });
  });
}
