/**
 * Whatever runs at once on a file in parts: a node that sends other bytes than it promised, several calls that complete it, calls
 * and Workers that die in between, a store that does late what it was asked for. The rows are the Foreman's own; the store is a
 * small one that keeps to the port, since no real one can be told when to do what.
 */
import { runInDurableObject } from 'cloudflare:test';
import { Code, ConnectError } from '@connectrpc/connect';
import { drizzle } from 'drizzle-orm/durable-sqlite';
import { expect, it, test } from 'vitest';
import { fc } from '../../shared/chance.fixture.ts';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import { foremanStub } from '../edge.fixture.ts';
import { Uploads } from '../foreman/leases/uploads.ts';
import * as schema from '../foreman/schema.ts';
import { ObjectStoreError } from '../storage/object-store-error.ts';
import { completeParts, openParts, type PartsDesk, receivePart } from './upload-in-parts.ts';

const GOOD = 'good';
const EVIL = 'evil';
const FILE = { name: 'large.bin', sizeBytes: GOOD.length, sha256: sha256Hex(GOOD) };

/** What becomes of a call to make one object: it is answered, or not, and done at once, later or never. */
const FATES = ['done', 'done', 'done', 'done, unanswered', 'never done', 'done later'] as const;
type Fate = (typeof FATES)[number];

/** What is asked of the store or the Foreman, done in one go at a time of the test's choosing. */
type Step = <Result>(work: () => Result) => Promise<Result>;

/** Files of one part; a part that is sent again has another etag. */
function storeOfParts(fateOf: () => Fate) {
  const parts = new Map<string, { etag: string; text: string } | null>();
  let names = 0;
  let object: string | null = null;
  const live = (id: string) => {
    if (!parts.has(id)) throw new ObjectStoreError('no_such_upload', 'it is made or dropped');
    return parts.get(id);
  };
  const make = (id: string, etag: string | undefined) => {
    const part = live(id);
    if (!part || part.etag !== etag) throw new ObjectStoreError('refused', 'InvalidPart');
    parts.delete(id);
    object = part.text;
  };
  const by = (step: Step): PartsDesk['store'] => ({
    createMultipart: () =>
      step(() => {
        parts.set(`id-${++names}`, null);
        return `id-${names}`;
      }),
    uploadPart: (_key, id, partNumber, text) =>
      step(() => {
        live(id);
        const etag = `etag-${++names}`;
        parts.set(id, { etag, text: String(text) });
        return { partNumber, etag };
      }),
    completeMultipart: async (_key, id, [part]) => {
      const fate = fateOf();
      const made = step(() => (fate === 'never done' ? undefined : make(id, part?.etag)));
      if (fate === 'done') return made;
      made.catch(() => undefined);
      if (fate !== 'done later') await made.catch(() => undefined);
      throw new ObjectStoreError('unavailable', 'no answer');
    },
    abortMultipart: (_key, id) => step(() => void parts.delete(id)),
    get: () =>
      step(() =>
        object === null
          ? { exists: false }
          : { exists: true, size: object.length, etag: '', body: new Blob([object]).stream() },
      ),
  });
  return { by, object: () => object };
}

let leases = 0;

/** A file that is granted, and the calls of nodes for it, each as edge/uploads/uploads.ts does it. */
function fileOf(uploads: Uploads, fate: () => Fate = () => 'done') {
  const leaseId = `lease-${++leases}`;
  uploads.grant(leaseId, [FILE], GOOD.length);
  const store = storeOfParts(fate);
  const row = () => {
    const found = uploads.find(leaseId, FILE.name);
    if (!found) throw new Error('expected a grant');
    return found;
  };
  let lie: string | null = null;
  const by = (when: Step) => {
    const step: Step = (work) =>
      when(() => {
        const result = work();
        if (row().state === 'complete' && store.object() !== GOOD) lie ??= `complete, but there is: ${store.object()}`;
        return result;
      });
    const desk: PartsDesk = {
      store: store.by(step),
      foreman: {
        startMultipart: (...given) => step(() => uploads.startMultipart(...given)),
        addPart: (...given) => step(() => uploads.addPart(...given)),
        closeUpload: (...given) => step(() => uploads.close(...given)),
        restartUpload: (...given) => step(() => uploads.restart(...given)),
        completeUpload: (lease, name, id = null) => step(() => uploads.complete(lease, name, id)),
      },
      partBytes: GOOD.length,
    };
    return {
      open: async () => {
        const upload = await step(row);
        if (upload.state === 'open') await openParts(desk, upload);
      },
      send: async (text: string) => {
        const upload = await step(row);
        const declared = { sizeBytes: text.length, sha256: sha256Hex(text) };
        if (upload.state === 'open') await receivePart(desk, upload, 1, text, declared);
      },
      complete: async () => {
        const upload = await step(row);
        if (upload.state !== 'complete') await completeParts(desk, upload);
      },
    };
  };
  const { open, send, complete } = by(async (work) => work());
  /** As farm/upload/through-edge.ts: what is lost is sent again. */
  const honestly = async () => {
    for (let tries = 0; tries < 4 && row().state !== 'complete'; tries += 1) {
      await open();
      await send(GOOD);
      await complete().catch((error) => expect(ConnectError.from(error).code).toBe(Code.DataLoss));
    }
    return { lie, state: row().state, object: store.object() };
  };
  return { by, open, send, complete, honestly };
}

const AS_IT_SHOULD = { lie: null, state: 'complete', object: GOOD };

/** Begins a call that stops before its steps of these numbers. Returns how it goes on: to its next stop, or to its end. */
async function beginStopping(begin: (step: Step) => Promise<unknown>, ...at: readonly number[]) {
  let [stop, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let steps = 0;
  const call = quietly(
    begin(async (work) => {
      if (at.includes(steps++)) {
        stop.resolve();
        await gate.promise;
      }
      return work();
    }),
  );
  await Promise.race([call, stop.promise]);
  return async () => {
    const before = gate;
    [stop, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    before.resolve();
    await Promise.race([call, stop.promise]);
  };
}

const quietly = (work: Promise<unknown>) => work.catch(() => undefined);

const withUploads = (work: (uploads: Uploads) => unknown): Promise<unknown> =>
  runInDurableObject(foremanStub('of uploads in parts'), (_, { storage }) =>
    work(new Uploads(drizzle(storage, { schema }))),
  );

/** A call has fewer. */
const STEPS = 7;

test.each([
  ['the bytes of the grant', [GOOD]],
  ['others', [EVIL]],
  ['others, and then others once more', [EVIL, EVIL]],
])(
  'two calls that stop anywhere, and are overtaken by a try of %s, complete nothing that was not hashed',
  async (_, tries) => {
    await withUploads(async (uploads) => {
      for (let first = 0; first < STEPS; first += 1)
        for (let second = 0; second < STEPS; second += 1) {
          const file = fileOf(uploads);
          const completion = (step: Step) => file.by(step).complete();
          await file.open();
          await file.send(EVIL);
          const goOnFirst = await beginStopping(completion, first, first + 1);
          await quietly(file.complete());
          for (const text of tries) {
            await file.open();
            await quietly(file.send(text));
            await goOnFirst();
            const goOnSecond = await beginStopping(completion, second);
            await goOnFirst();
            await quietly(file.complete());
            await goOnSecond();
          }
          expect({ first, second, ...(await file.honestly()) }).toEqual({ first, second, ...AS_IT_SHOULD });
        }
    });
  },
  60_000,
);

type Call = 'open' | 'send good' | 'send evil' | 'complete';
/** One after the other; whoever gives them waits for none of the others. */
const caller = fc.array(
  fc.constantFrom<Call[]>(['open', 'send good'], ['open', 'send evil'], ['complete'], ['complete']),
  { minLength: 1, maxLength: 6 },
);

it('is complete only with the bytes of the grant, in any weather, and an honest node can always complete it', async () => {
  const weather = fc.tuple(
    fc.scheduler(),
    fc.array(caller, { minLength: 2, maxLength: 4 }),
    fc.array(fc.constantFrom(...FATES), { minLength: 1 }),
    fc.array(fc.nat(200), { maxLength: 2 }),
  );
  await withUploads((uploads) =>
    fc.assert(
      fc.asyncProperty(weather, async ([scheduler, callers, fates, deaths]) => {
        let isOver = false;
        let [steps, asked, busy] = [0, 0, callers.length];
        const file = fileOf(uploads, () => (isOver ? 'done' : (fates[asked++ % fates.length] ?? 'done')));
        const pass = async () => {
          await scheduler.schedule(Promise.resolve());
          // The Worker of this call is no more.
          if (deaths.includes(++steps)) throw new Error('gone');
        };
        const calls = file.by(async (work) => {
          await pass();
          const result = work();
          await pass();
          return result;
        });
        for (const each of callers)
          void (async () => {
            for (const what of each.flat())
              await quietly(
                what === 'open' || what === 'complete' ? calls[what]() : calls.send(what === 'send good' ? GOOD : EVIL),
              );
            busy -= 1;
          })();
        while (busy > 0 || scheduler.count() > 0)
          if (scheduler.count() > 0) await scheduler.waitOne();
          else await new Promise((resolve) => setTimeout(resolve, 0));
        isOver = true;
        expect(await file.honestly()).toEqual(AS_IT_SHOULD);
      }),
      { numRuns: 40 },
    ),
  );
}, 60_000);

test.each<[string, (uploads: Uploads, leaseId: string, id: string) => unknown]>([
  ['a part', (uploads, leaseId, id) => uploads.addPart(leaseId, FILE.name, id, 1, 'late')],
  ['a close', (uploads, leaseId, id) => uploads.close(leaseId, FILE.name, id)],
  ['a restart', (uploads, leaseId, id) => uploads.restart(leaseId, FILE.name, id)],
  ['a completion', (uploads, leaseId, id) => uploads.complete(leaseId, FILE.name, id)],
  ['a completion as of one PUT', (uploads, leaseId) => uploads.complete(leaseId, FILE.name, null)],
])('%s that was begun for a try that is over changes nothing of the next one', async (_, late) => {
  await withUploads((uploads) => {
    for (const isClosed of [false, true]) {
      const leaseId = `bound-${++leases}`;
      uploads.grant(leaseId, [FILE], GOOD.length);
      uploads.startMultipart(leaseId, FILE.name, 'first');
      uploads.close(leaseId, FILE.name, 'first');
      uploads.restart(leaseId, FILE.name, 'first');
      uploads.startMultipart(leaseId, FILE.name, 'second');
      uploads.addPart(leaseId, FILE.name, 'second', 1, 'etag');
      if (isClosed) uploads.close(leaseId, FILE.name, 'second');
      const before = uploads.find(leaseId, FILE.name);
      expect(late(uploads, leaseId, 'first') ?? false).toBe(false);
      expect(uploads.find(leaseId, FILE.name)).toEqual(before);
    }
  });
});

test('what was not closed is not complete, and what is complete stays so', async () => {
  await withUploads((uploads) => {
    const leaseId = `bound-${++leases}`;
    uploads.grant(leaseId, [FILE], GOOD.length);
    uploads.startMultipart(leaseId, FILE.name, 'id');
    uploads.addPart(leaseId, FILE.name, 'id', 1, 'etag');
    expect(uploads.complete(leaseId, FILE.name, 'id')).toBe(false);
    expect(uploads.close(leaseId, FILE.name, 'id')).toEqual({ 1: 'etag' });
    expect(uploads.addPart(leaseId, FILE.name, 'id', 1, 'late'), 'it is closed').toBe(false);
    expect(uploads.close(leaseId, FILE.name, 'id'), 'again').toEqual({ 1: 'etag' });
    expect([uploads.complete(leaseId, FILE.name, 'id'), uploads.complete(leaseId, FILE.name, 'id')]).toEqual([
      true,
      true,
    ]);
    uploads.restart(leaseId, FILE.name, 'id');
    expect(uploads.find(leaseId, FILE.name)?.state).toBe('complete');
    expect(uploads.complete(leaseId, 'nothing.bin', null)).toBe(false);
  });
});
