import { afterEach, expect, it } from "vitest";
import { systemClock } from "../../runner/platform.ts";
import { Peer } from "../remote/peer.ts";
import { BatchLink, portLink } from "./channels.ts";
import type { Port } from "./pool/comlink-link.ts";

const ports: MessagePort[] = [];
afterEach(() => {
  for (const port of ports.splice(0)) port.close();
});

function peers() {
  const { port1, port2 } = new MessageChannel();
  ports.push(port1, port2);
  const clock = systemClock();
  const near = new Peer({ clock, handlers: {}, name: "far" });
  const handlers = { echo: (value: unknown) => value, odd: () => () => 1 };
  const far = new Peer({ clock, handlers, name: "near" });
  near.attach(portLink(port1 as unknown as Port));
  far.attach(portLink(port2 as unknown as Port));
  return near;
}

it("refuses what can't be posted, without harm to what is posted with it", async () => {
  const near = peers();
  const calls = [
    near.call("echo", [1]),
    near.call("echo", [() => 1]),
    near.call("odd", []),
    near.call("echo", [{ a: new Map([[1, 2n]]) }]),
  ];
  near.tell("echo", [() => 1]);
  const settled = await Promise.allSettled(calls);
  expect(settled.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected", "fulfilled"]);
  expect(settled[1]).toMatchObject({ reason: { code: "INVALID_PAYLOAD", path: "echo" } });
  expect(settled[2]).toMatchObject({ reason: { code: "INVALID_PAYLOAD", path: "an answer" } });
  expect(settled[3]).toMatchObject({ value: { a: new Map([[1, 2n]]) } });
});

it("sends the messages of one turn as one", async () => {
  const batches: unknown[][] = [];
  const link = new BatchLink((messages) => batches.push([...messages]));
  link.post("a");
  link.post("b");
  await Promise.resolve();
  link.post("c");
  await Promise.resolve();
  expect(batches).toEqual([["a", "b"], ["c"]]);
});
