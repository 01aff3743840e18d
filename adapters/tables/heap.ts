/** What a heap keeps of where an item stands, so that any item can be taken out, not only the first. */
export interface Spot {
  home: { remove(item: Spot): void } | null;
  at: number;
}

/**
 * A binary heap whose items know their places: adding and removing cost O(log n). The usual lazy deletion leaves what was removed in the heap
 * until it surfaces, which for delayed work may be days. An item stands in at most one heap, and what it is ordered by must not change
 * meanwhile.
 */
export class Heap<Item extends Spot> {
  readonly #items: Item[] = [];
  readonly #isBefore: (left: Item, right: Item) => boolean;

  constructor(isBefore: (left: Item, right: Item) => boolean) {
    this.#isBefore = isBefore;
  }

  get size(): number {
    return this.#items.length;
  }

  /** The first item, left where it is. */
  get first(): Item | undefined {
    return this.#items[0];
  }

  has(item: Item): boolean {
    return item.home === this;
  }

  add(item: Item): void {
    item.home = this;
    this.#rise(item, this.#items.length);
  }

  /** Takes an item out; nothing happens if it isn't here. */
  remove(item: Item): void {
    if (item.home !== this) return;
    item.home = null;
    const last = this.#items.pop();
    if (last === undefined || last === item) return;
    // The last one takes the place, and goes up or down from there.
    const { at } = item;
    const parent = this.#items[(at - 1) >> 1];
    if (at > 0 && parent !== undefined && this.#isBefore(last, parent)) this.#rise(last, at);
    else this.#sink(last, at);
  }

  /** The items from the first on, without taking them out: O(log k) for the k-th. The heap must not change meanwhile. */
  *inOrder(): Generator<Item> {
    const frontier = new Heap<Spot & { readonly index: number; readonly item: Item }>((left, right) =>
      this.#isBefore(left.item, right.item),
    );
    const reach = (index: number): void => {
      const item = this.#items[index];
      if (item !== undefined) frontier.add({ home: null, at: 0, index, item });
    };
    reach(0);
    for (let next = frontier.first; next !== undefined; next = frontier.first) {
      frontier.remove(next);
      yield next.item;
      reach(2 * next.index + 1);
      reach(2 * next.index + 2);
    }
  }

  #rise(item: Item, from: number): void {
    let at = from;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = this.#items[above];
      if (parent === undefined || !this.#isBefore(item, parent)) break;
      this.#put(parent, at);
      at = above;
    }
    this.#put(item, at);
  }

  #sink(item: Item, from: number): void {
    let at = from;
    for (;;) {
      let below = 2 * at + 1;
      let child = this.#items[below];
      if (child === undefined) break;
      const right = this.#items[below + 1];
      if (right !== undefined && this.#isBefore(right, child)) {
        child = right;
        below += 1;
      }
      if (!this.#isBefore(child, item)) break;
      this.#put(child, at);
      at = below;
    }
    this.#put(item, at);
  }

  #put(item: Item, at: number): void {
    this.#items[at] = item;
    item.at = at;
  }
}
