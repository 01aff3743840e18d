import { afterEach, describe, expect, it } from "vitest";
import { Peer } from "../../remote/peer.ts";
import { virtualClock } from "../../../testing/clock.ts";
import { ComlinkLink, type Port } from "./comlink-link.ts";

const clock = virtualClock({ turns: 12 });
const ports: MessagePort[] = [];
afterEach(() => {
  for (const port of ports.splice(0)) port.close();
});

/** Two ends, and how many messages of the platform's the second one was sent. */
function ends(delivered?: (count: number) => void) {
  const { port1, port2 } = new MessageChannel();
  ports.push(port1, port2);
  let messages = 0;
  const counted = port1.postMessage.bind(port1);
  port1.postMessage = (message: unknown) => {
    messages += 1;
    counted(message);
  };
  const one = new ComlinkLink(port1 as unknown as Port, (batch) => delivered?.(batch.length));
  const two = new ComlinkLink(port2 as unknown as Port);
  const got: unknown[] = [];
  two.listen((message) => got.push(message));
  return { one, two, got, messages: () => messages };
}

const tell = (n: number) => ({ method: "m", args: [n] });

describe("ComlinkLink", () => {
  it("carries in one message what is posted together, and in order what comes while that is under way", async () => {
    const { one, got, messages } = ends();
    for (let n = 0; n < 100; n += 1) one.post(tell(n));
    await Promise.resolve();
    for (let n = 100; n < 200; n += 1) one.post(tell(n));
    await clock.settle();
    expect(got).toEqual(Array.from({ length: 200 }, (_, n) => tell(n)));
    expect(messages()).toBe(2);
  });

  it("says that messages have arrived before what they ask for is done", async () => {
    const said: string[] = [];
    const { one, two } = ends((count) => said.push(`${count} arrived`));
    two.listen(() => said.push("handled"));
    const { port2 } = { port2: ports[1] };
    const reply = port2?.postMessage.bind(port2);
    if (port2 !== undefined)
      port2.postMessage = (message: unknown) => {
        said.push("replied");
        reply?.(message);
      };
    one.post(tell(1));
    await clock.settle();
    expect(said).toEqual(["replied", "handled", "1 arrived"]);
  });

  it("posts at once what can't wait, past what does", async () => {
    const { one, got } = ends();
    one.post(tell(1));
    one.postNow(tell(2));
    await clock.settle();
    expect(got).toEqual([tell(2), tell(1)]);
  });

  it("refuses what can't be cloned, call and answer, and nothing else of the same batch", async () => {
    const { one, two } = ends();
    const handlers = { give: () => () => 1, echo: (value: unknown) => value };
    const caller = new Peer({ clock, handlers: {}, name: "the other" });
    const callee = new Peer({ clock, handlers, name: "the one" });
    caller.attach(one);
    callee.attach(two);
    const calls = [caller.call("echo", [() => 1]), caller.call("give", []), caller.call("echo", [3])];
    caller.tell("echo", [() => 1]);
    const settled = await Promise.allSettled(calls);
    expect(settled[0]).toMatchObject({ status: "rejected", reason: { code: "INVALID_PAYLOAD" } });
    expect(settled[1]).toMatchObject({ status: "rejected", reason: { code: "INVALID_PAYLOAD" } });
    expect(settled[2]).toEqual({ status: "fulfilled", value: 3 });
  });

  it("posts and hears nothing once it is closed", async () => {
    const { one, two, got } = ends();
    one.post(tell(1));
    one.close();
    one.close();
    one.post(tell(2));
    one.postNow(tell(3));
    await clock.settle();
    expect(got).toEqual([]);
    two.post(tell(4));
    await clock.settle();
  });
});
