/** What a build is stocked with, whatever other builds asked for. */
import { describe, expect, test } from 'vitest';
import { Larder, type Served, type Stocked } from './larder.ts';

const served = (fields: Partial<Served & Stocked> = {}): Served & Stocked => ({
  edition: 'e1',
  name: 'vim_9.ipk',
  file: 'vim_9.ipk',
  sha256: 'a'.repeat(64),
  sizeBytes: 10,
  unverified: null,
  ...fields,
});
const namesFor = (larder: Larder, ...editions: string[]) => larder.for(editions).map(({ name }) => name);

describe('a build is stocked', () => {
  test('with what others were given of the same index, and with nothing of another', () => {
    const larder = new Larder();
    larder.learn([served(), served({ edition: 'e2', name: 'nano_8.ipk' })]);
    expect(namesFor(larder, 'e1')).toEqual(['vim_9.ipk']);
    expect(namesFor(larder, 'e1', 'e2')).toEqual(['vim_9.ipk', 'nano_8.ipk']);
    expect(namesFor(larder, 'e3')).toEqual([]);
  });

  test('with the last learned first, once, and with no more than four hundred of an index', () => {
    const larder = new Larder();
    for (let number = 0; number < 500; number++) larder.learn([served({ name: `p${number}.ipk` })]);
    larder.learn([served({ name: 'p450.ipk' })]);
    const names = namesFor(larder, 'e1', 'e1');
    expect(names.slice(0, 2)).toEqual(['p450.ipk', 'p499.ipk']);
    expect(names).toHaveLength(400);
  });

  test('not with a name that stands for two files', () => {
    const larder = new Larder();
    larder.learn([served(), served({ edition: 'e2', sha256: 'b'.repeat(64) })]);
    expect(namesFor(larder, 'e1', 'e2')).toEqual([]);
    expect(namesFor(larder, 'e1')).toEqual(['vim_9.ipk']);
  });

  test('with 96 MiB at most, whatever somebody made the node fetch', () => {
    const larder = new Larder();
    const sizeBytes = 40 * 1024 ** 2;
    larder.learn(['a', 'b', 'c'].map((name) => served({ name, sizeBytes })));
    larder.learn([served({ name: 'small' })]);
    expect(namesFor(larder, 'e1')).toEqual(['small', 'c', 'b']);
  });
});
