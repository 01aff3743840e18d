import { expect, it } from "vitest";
import type { Event } from "../../model.ts";
import { deferred } from "../../runner/runner.test-helper.ts";
import { TabSubscribers } from "./subscribers.ts";

const event = { type: "workflow:completed", id: "r:1" } as unknown as Event;

it("have each name once, with the types of the tab that is asked", () => {
  const subscribers = new TabSubscribers();
  const none = async (): Promise<void> => undefined;
  subscribers.add("a", [{ name: "p", types: ["workflow:completed"] }, { name: "q" }], none);
  subscribers.add("b", [{ name: "p", types: ["stage:failed"] }], none);
  const seen = (): unknown =>
    subscribers.sink.subscribers.map(({ name, types }) => [name, types && [...types]]);
  expect(seen()).toEqual([
    ["p", ["workflow:completed"]],
    ["q", undefined],
  ]);
  subscribers.remove("a");
  expect(seen()).toEqual([["p", ["stage:failed"]]]);
  subscribers.remove("a");
  subscribers.remove("b");
  expect(seen()).toEqual([]);
});

it("hand an event to one tab, and to the next where that is gone before it is done", async () => {
  const subscribers = new TabSubscribers();
  const got: string[] = [];
  const busy = deferred();
  subscribers.add("a", [{ name: "p" }], () => {
    got.push("a");
    return busy.promise;
  });
  subscribers.add("b", [{ name: "p" }], async () => void got.push("b"));
  const [p] = subscribers.sink.subscribers;
  const handled = p?.handle(event);
  subscribers.remove("a");
  busy.reject(new Error("its way is closed"));
  await handled;
  expect(got).toEqual(["a", "b"]);
});

it("pass a refusal on, and say so where nobody is left", async () => {
  const subscribers = new TabSubscribers();
  const busy = deferred();
  subscribers.add("a", [{ name: "p" }], () => busy.promise);
  subscribers.add("b", [{ name: "p" }], () => Promise.reject(new RangeError("no")));
  const [p] = subscribers.sink.subscribers;
  const handled = p?.handle(event);
  subscribers.remove("a");
  busy.reject(new Error("its way is closed"));
  await expect(handled).rejects.toThrow("no");
  const again = p?.handle(event);
  subscribers.remove("b");
  await expect(again).rejects.toMatchObject({ code: "NOT_CONNECTED" });
});
