import { describe, expect, it } from "vitest";
import { StoppedError } from "../../errors.ts";
import { deferred } from "../../runner/runner.test-helper.ts";
import { virtualClock } from "../../testing/clock.ts";
import { type Handlers, type Link, type Message, Peer } from "./peer.ts";

/** A way between two peers that can be cut, and that remembers what went over it. */
function wire(): { readonly ends: [Link, Link]; readonly sent: Message[]; cut: () => void } {
  const listeners: Record<0 | 1, ((message: unknown) => void) | null> = { 0: null, 1: null };
  const sent: Message[] = [];
  let isUp = true;
  const end = (own: 0 | 1): Link => ({
    post: (message) => {
      const copy = structuredClone(message);
      sent.push(copy as Message);
      queueMicrotask(() => isUp && listeners[own === 0 ? 1 : 0]?.(copy));
    },
    listen: (listener) => {
      listeners[own] = listener;
      return () => {
        if (listeners[own] === listener) listeners[own] = null;
      };
    },
  });
  return {
    ends: [end(0), end(1)],
    sent,
    cut: () => {
      isUp = false;
    },
  };
}

function pair(handlers: Handlers, patienceMs?: number) {
  const clock = virtualClock();
  const { ends, sent, cut } = wire();
  const client = new Peer({
    clock,
    handlers: {},
    name: "the other side",
    ...(patienceMs === undefined ? {} : { patienceMs }),
  });
  const server = new Peer({ clock, handlers, name: "the client" });
  client.attach(ends[0]);
  server.attach(ends[1]);
  return { clock, client, server, sent, cut };
}

describe("calls over a link", () => {
  it("give what the handler gives, or throw what it throws", async () => {
    const { client, server } = pair({
      add: (a: number, b: number) => a + b,
      refuse: () => {
        throw new StoppedError("it");
      },
    });
    expect(await client.call("add", [1, 2])).toBe(3);
    await expect(client.call("refuse", [])).rejects.toBeInstanceOf(StoppedError);
    await expect(client.call("toString", [])).rejects.toMatchObject({
      message: "there is no method toString",
    });
    await expect(server.call("add", [1, 2])).rejects.toThrow("there is no method add");
  });

  it("tell without an answer", async () => {
    const told: unknown[] = [];
    const { client, sent } = pair({ note: (what: unknown) => told.push(what) });
    client.tell("note", [1]);
    client.tell("none", []);
    await client.call("note", [2]);
    expect(told).toEqual([1, 2]);
    expect(sent.filter((message) => "ok" in message)).toHaveLength(1);
  });

  it("are sent again over the next link, and answered once", async () => {
    const clock = virtualClock();
    const client = new Peer({ clock, handlers: {}, name: "x" });
    const first = wire();
    client.attach(first.ends[0]);
    const answer = client.call("get", [7]);
    const early = client.call("get", [8]);
    client.attach(null);
    const late = client.call("get", [9]);
    const second = wire();
    const server = new Peer({ clock, handlers: { get: (n: number) => n }, name: "y" });
    server.attach(second.ends[1]);
    client.attach(second.ends[0]);
    expect(await Promise.all([answer, early, late])).toEqual([7, 8, 9]);
    // What the first side still says is not heard.
    first.ends[1].post({ id: 4, ok: true, value: "wrong" });
    expect(await client.call("get", [10])).toBe(10);
    expect(second.sent.filter((message) => "method" in message)).toHaveLength(4);
  });

  it("end with a typed error when nothing is heard for too long, not when the answer merely takes its time", async () => {
    const gate = deferred();
    const { clock, client, cut } = pair({ slow: () => gate.promise }, 3000);
    let isOver = false;
    const slow = client.call("slow", []).finally(() => {
      isOver = true;
    });
    await clock.advance(60_000);
    expect(isOver).toBe(false);
    cut();
    const lost = expect(slow).rejects.toMatchObject({ code: "NOT_CONNECTED" });
    await clock.advance(10_000);
    await lost;
  });

  it("end with a typed error when there is no link at all", async () => {
    const clock = virtualClock();
    const client = new Peer({ clock, handlers: {}, name: "the engine", patienceMs: 3000 });
    const call = expect(client.call("get", [])).rejects.toMatchObject({ code: "NOT_CONNECTED" });
    await clock.advance(10_000);
    await call;
  });

  it("are rejected when the peer is closed, those to come too", async () => {
    const { client } = pair({ hang: () => new Promise(() => undefined) });
    const call = client.call("hang", []);
    client.close(new StoppedError("it"));
    client.close(new Error("later"));
    await expect(call).rejects.toMatchObject({ code: "STOPPED" });
    await expect(client.call("hang", [])).rejects.toMatchObject({ code: "STOPPED" });
  });
});
