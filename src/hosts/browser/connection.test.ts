import { expect, it } from "vitest";
import { memoryStore } from "../../../adapters/memory/index.ts";
import type { Event } from "../../model.ts";
import { createKernel } from "../../runner/create-kernel.ts";
import { linkPair } from "./channels.ts";
import { Connection } from "./connection.ts";
import { Routes } from "./routes.ts";
import { NOTHING } from "./pool/wire.ts";

it("asks its page under numbers of its own leader's: what was answered to the last one isn't taken for this one's", async () => {
  const kernel = createKernel({ store: memoryStore(), registry: new Routes(), executor: new Routes() });
  const [page, end] = linkPair();
  const asked: { readonly id: number }[] = [];
  page.listen((message) => asked.push(message as { readonly id: number }));
  const make = (epoch: number): Connection =>
    new Connection({
      tabId: "tab-1",
      kernel,
      epoch,
      hello: { slots: 1, subscribers: [] },
      page: end,
      pool: Object.assign(new Routes(), { offer: NOTHING }),
      endPool: null,
      maintains: true,
      onError: () => undefined,
      erase: () => Promise.resolve(),
    });
  const event = { id: "r:1" } as Event;
  const first = make(1);
  const lost = expect(first.deliver("p", event)).rejects.toMatchObject({ code: "STOPPED" });
  await Promise.resolve();
  await first.drain("draining");
  first.close();
  await lost;
  const second = make(2);
  let isDone = false;
  const done = second.deliver("p", event).then(() => {
    isDone = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  const [old, fresh] = asked.map(({ id }) => id);
  page.post({ id: old, ok: true, value: null });
  await new Promise((resolve) => setImmediate(resolve));
  expect(isDone).toBe(false);
  page.post({ id: fresh, ok: true, value: null });
  await done;
  await second.drain("draining");
  second.close();
});
