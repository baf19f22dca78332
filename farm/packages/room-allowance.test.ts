import { expect, it } from 'vitest';
import { RoomAllowance } from './room-allowance.ts';

const MIB = 1024 ** 2;

/** A disk with so much room, and what it was asked for. */
function disk(freeBytes: number) {
  const asked: number[] = [];
  const makeRoom = async (bytes: number) => {
    asked.push(bytes / MIB);
    return bytes <= freeBytes;
  };
  return { asked, room: new RoomAllowance(makeRoom) };
}

it('many small files are one question, a file that is larger than a piece is one of its own', async () => {
  const { asked, room } = disk(1024 * MIB);
  for (let file = 0; file < 128; file++) expect(await room.take(MIB)).toBe(true);
  expect(asked).toEqual([128]);
  expect(await room.take(MIB)).toBe(true);
  expect(await room.take(512 * MIB)).toBe(true);
  expect(asked).toEqual([128, 128, 512]);
});

it('what was not needed is there for the next', async () => {
  const { asked, room } = disk(1024 * MIB);
  for (let file = 0; file < 100; file++) {
    expect(await room.take(16 * MIB)).toBe(true);
    room.giveBack(15 * MIB);
  }
  expect(asked).toEqual([128]);
});

it('on a disk that is nearly full what fits is taken, and what does not is not', async () => {
  const { asked, room } = disk(20 * MIB);
  expect(await room.take(16 * MIB)).toBe(true);
  expect(asked).toEqual([128, 16]);
  expect(await room.take(32 * MIB)).toBe(false);
});
