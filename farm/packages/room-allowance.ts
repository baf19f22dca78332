/**
 * Room on the disk, asked for in large pieces: to make room, all that the node keeps is listed and weighed, and doing so for
 * each of three hundred small packages would take longer than fetching them.
 */
const PIECE_BYTES = 128 * 1024 ** 2;

export class RoomAllowance {
  readonly #makeRoom: (neededBytes: number) => Promise<boolean>;
  #leftBytes = 0;

  constructor(makeRoom: (neededBytes: number) => Promise<boolean>) {
    this.#makeRoom = makeRoom;
  }

  /** False: there is no room for so many bytes, and none could be made. */
  async take(bytes: number): Promise<boolean> {
    if (bytes > this.#leftBytes) {
      const pieceBytes = Math.max(bytes, PIECE_BYTES);
      if (await this.#makeRoom(pieceBytes)) this.#leftBytes = pieceBytes;
      // Where a piece is too much to ask for, the file alone may fit.
      else if (await this.#makeRoom(bytes)) this.#leftBytes = bytes;
      else return false;
    }
    this.#leftBytes -= bytes;
    return true;
  }

  /** What was taken and not needed. */
  giveBack(bytes: number): void {
    this.#leftBytes += bytes;
  }
}
