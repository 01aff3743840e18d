import { expect, it } from "vitest";
import { NotConnectedError } from "../../errors.ts";
import { linkPair } from "./channels.ts";
import { Relay } from "./relay.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function rig() {
  const [page, end] = linkPair();
  const relay = new Relay(end);
  const heard: unknown[] = [];
  page.listen((message) => heard.push(message));
  const leader = () => {
    const [near, far] = linkPair();
    const got: unknown[] = [];
    far.listen((message) => got.push(message));
    return { near, far, got };
  };
  return { page, relay, heard, leader };
}

const call = (id: number) => ({ id, method: "get", args: [] });
const answer = (id: number, value: unknown) => ({ id, ok: true, value });
const gap = { method: "feed", args: [[{ kind: "gap" }]] };

it("keeps what wasn't answered for the next leader, and passes each answer on once", async () => {
  const { page, relay, heard, leader } = rig();
  const [first, second] = [leader(), leader()];
  page.post(call(1));
  page.post({ id: 0, method: "ping", args: [] });
  await turn();
  relay.attach(first.near);
  page.post(call(2));
  await turn();
  expect(first.got).toEqual([call(1), call(2)]);
  first.far.post(answer(1, "a"));
  await turn();
  relay.attach(null);
  relay.attach(second.near);
  await turn();
  expect(second.got).toEqual([call(2)]);
  first.far.post(answer(2, "too late"));
  second.far.post(answer(2, "b"));
  second.far.post(answer(2, "again"));
  await turn();
  expect(heard).toEqual([gap, answer(1, "a"), gap, answer(2, "b")]);
});

it("passes questions of the leader and their answers, and answers to pings", async () => {
  const { page, relay, heard, leader } = rig();
  const { near, far, got } = leader();
  relay.attach(near);
  page.post({ id: 0, method: "ping", args: [] });
  far.post(answer(0, undefined));
  far.post({ id: 7, method: "deliver", args: ["p"] });
  await turn();
  page.post(answer(7, null));
  await turn();
  expect(heard).toEqual([gap, answer(0, undefined), { id: 7, method: "deliver", args: ["p"] }]);
  expect(got).toEqual([{ id: 0, method: "ping", args: [] }, answer(7, null)]);
});

it("tells those who wait why nobody answers, and doesn't send their calls after that", async () => {
  const { page, relay, heard, leader } = rig();
  page.post(call(1));
  await turn();
  relay.fail(new NotConnectedError("it", "why"));
  await turn();
  expect(heard).toMatchObject([{ id: 1, ok: false, error: { fields: { code: "NOT_CONNECTED" } } }]);
  const { near, got } = leader();
  relay.attach(near);
  await turn();
  expect(got).toEqual([]);
});
