import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Heap, type Spot } from "./heap.ts";

interface Item extends Spot {
  readonly rank: number;
  readonly order: number;
}

function isBefore(left: Item, right: Item): boolean {
  return left.rank === right.rank ? left.order < right.order : left.rank < right.rank;
}

function item(rank: number, order: number): Item {
  return { rank, order, home: null, at: 0 };
}

const steps = fc.array(
  fc.oneof(
    // More comes than goes, so that the heap grows deep enough for a removal to move its last item up.
    { weight: 4, arbitrary: fc.record({ add: fc.integer({ min: 0, max: 1000 }) }) },
    { weight: 1, arbitrary: fc.record({ remove: fc.nat({ max: 1000 }) }) },
    { weight: 1, arbitrary: fc.constant({ shift: true }) },
  ),
  { maxLength: 200, size: "max" },
);

describe("a heap", () => {
  it("is in order whatever was added and taken out", () => {
    fc.assert(
      fc.property(steps, (given) => {
        const heap = new Heap<Item>(isBefore);
        let model: Item[] = [];
        for (const [order, step] of given.entries()) {
          if ("add" in step) {
            const added = item(step.add, order);
            heap.add(added);
            model.push(added);
          } else {
            const victim = "remove" in step ? model[step.remove % Math.max(1, model.length)] : heap.first;
            if (victim === undefined) continue;
            heap.remove(victim);
            heap.remove(victim);
            expect(heap.has(victim)).toBe(false);
            model = model.filter((other) => other !== victim);
          }
          model.sort((left, right) => (isBefore(left, right) ? -1 : 1));
          expect(heap.first).toBe(model[0]);
          expect([...heap.inOrder()]).toEqual(model);
          expect(heap.size).toBe(model.length);
        }
      }),
    );
  });

  it("gives its first items without looking at the rest", () => {
    let looks = 0;
    const heap = new Heap<Item>((left, right) => {
      looks += 1;
      return isBefore(left, right);
    });
    for (let rank = 0; rank < 10_000; rank += 1) heap.add(item((rank * 7919) % 10_000, rank));
    looks = 0;
    const first: number[] = [];
    for (const { rank } of heap.inOrder()) {
      first.push(rank);
      if (first.length === 5) break;
    }
    expect(first).toEqual([0, 1, 2, 3, 4]);
    expect(looks).toBeLessThan(50);
  });

  it("leaves an item alone that stands in another one", () => {
    const [one, two] = [new Heap<Item>(isBefore), new Heap<Item>(isBefore)];
    const mine = item(1, 1);
    one.add(mine);
    two.remove(mine);
    expect(one.first).toBe(mine);
  });
});
