/**
 * Where any of many pieces stands in a text, in one pass over it, however many there are (Aho and Corasick, "Efficient
 * string matching", 1975). One search for each of the ten thousand words of a long script would stop a node for seconds.
 */

export interface Place {
  readonly start: number;
  readonly end: number;
}

/** Of one piece after the other as far as they are alike: a node is a beginning of some of them. */
interface Node {
  readonly next: Map<number, Node>;
  /** Of the longest other beginning with which this one ends; null for the empty one. */
  shorter: Node | null;
  /** Of the longest piece with which this beginning ends; 0: none. */
  pieceLength: number;
}

const newNode = (shorter: Node | null): Node => ({ next: new Map(), shorter, pieceLength: 0 });

export class PiecesInText {
  readonly #root = newNode(null);

  /** @param pieces none of them empty */
  constructor(pieces: Iterable<string>) {
    for (const piece of pieces) this.#add(piece);
    this.#connect();
  }

  /** In order, none of them within another; places that overlap are told as one. */
  places(text: string): readonly Place[] {
    const places: Place[] = [];
    let node = this.#root;
    for (let at = 0; at < text.length; at += 1) {
      node = this.#after(node, text.charCodeAt(at));
      if (node.pieceLength === 0) continue;
      const end = at + 1;
      let start = end - node.pieceLength;
      for (let last = places.at(-1); last !== undefined && last.end > start; last = places.at(-1)) {
        start = Math.min(start, last.start);
        places.pop();
      }
      places.push({ start, end });
    }
    return places;
  }

  #add(piece: string): void {
    let node = this.#root;
    for (let at = 0; at < piece.length; at += 1) {
      const code = piece.charCodeAt(at);
      const next = node.next.get(code) ?? newNode(this.#root);
      node.next.set(code, next);
      node = next;
    }
    node.pieceLength = piece.length;
  }

  /** The shorter ones first: what they end with is known then. */
  #connect(): void {
    const nodes = [this.#root];
    for (const node of nodes)
      for (const [code, next] of node.next) {
        if (node.shorter !== null) next.shorter = this.#after(node.shorter, code);
        next.pieceLength ||= next.shorter?.pieceLength ?? 0;
        nodes.push(next);
      }
  }

  #after(from: Node, code: number): Node {
    let node = from;
    for (;;) {
      const next = node.next.get(code);
      if (next !== undefined) return next;
      if (node.shorter === null) return node;
      node = node.shorter;
    }
  }
}
