/** A follower among leaders that come and go, message by message. */
import { expect, it } from "vitest";
import type { AbortReason, StageTask } from "../../ports/executor.ts";
import { virtualClock } from "../../testing/clock.ts";
import { linkPair } from "./channels.ts";
import { Follower } from "./follower.ts";
import { FakeLocks } from "./locks.test-helper.ts";
import { namesOf } from "./platform.ts";
import { NOTHING } from "./pool/wire.ts";
import { Relay } from "./relay.ts";

interface Posted {
  readonly kind: string;
  readonly epoch: number;
  readonly session: number;
}

function rig() {
  const clock = virtualClock();
  const posted: Posted[] = [];
  const told: (number | null)[] = [];
  const aborts: AbortReason[] = [];
  let silences = 0;
  let inbox: (data: unknown) => void = () => undefined;
  const [page, end] = linkPair();
  const answers: unknown[] = [];
  page.listen((message) => answers.push(message));
  const execution = {
    outcome: new Promise<never>(() => undefined),
    abort: (reason: AbortReason) => void aborts.push(reason),
  };
  const follower = new Follower({
    platform: {
      locks: new FakeLocks().of("tab-1"),
      clock,
      channel: (name, hear) => {
        if (name.endsWith("to:tab-1")) inbox = hear ?? inbox;
        return { post: (message) => void posted.push(message as Posted), close: () => undefined };
      },
    },
    names: namesOf("db"),
    tabId: "tab-1",
    hello: { slots: 1, subscribers: [] },
    pool: { offer: NOTHING, handlers: new Set(), execute: () => execution, check: () => execution },
    relay: new Relay(end),
    patienceMs: 500,
    onSilence: () => {
      silences += 1;
    },
    onLeader: (epoch) => told.push(epoch),
    onOutdated: () => undefined,
    onErased: () => undefined,
  });
  const hear = (kind: string, epoch: number, session: number, more: object = {}): void =>
    inbox({ protocol: 1, tab: "tab-2", epoch, session, kind, ...more });
  const last = (kind: string): Posted | undefined => posted.findLast((message) => message.kind === kind);
  follower.resume();
  return { clock, follower, hear, posted, last, told, aborts, page, answers, silences: () => silences };
}

const task = {
  stage: { policy: { timeoutMs: null } },
  config: { kind: "value", value: {} },
} as unknown as StageTask;

it("says hello until it is welcome, and follows the one that answers this hello", async () => {
  const { clock, hear, last, told, posted } = rig();
  await clock.advance(100);
  expect(posted.map(({ kind }) => kind)).toEqual(["hello", "hello"]);
  hear("welcome", 3, 9);
  expect(told).toEqual([]);
  hear("welcome", 3, last("hello")?.session ?? 0);
  hear("welcome", 3, last("hello")?.session ?? 0);
  expect(told).toEqual([3]);
  await clock.advance(100);
  expect(last("ping")).toMatchObject({ epoch: 3, session: 1 });
});

it("doesn't follow one whose time is over, and leaves its own for a later one", async () => {
  const { hear, last, told, posted } = rig();
  hear("welcome", 3, 1);
  hear("lead", 2, 0);
  hear("gone", 2, 0);
  hear("lead", 3, 0);
  expect(told).toEqual([3]);
  hear("lead", 4, 0);
  expect(told).toEqual([3, null]);
  expect(last("hello")).toMatchObject({ session: 2 });
  hear("welcome", 3, 2);
  hear("welcome", 4, 2);
  expect(told).toEqual([3, null, 4]);
  const hellos = posted.length;
  // Of a leader that it didn't hear coming.
  hear("welcome", 5, 2);
  expect(told).toEqual([3, null, 4, null]);
  expect(posted.length).toBeGreaterThan(hellos);
});

it("tells what it executes to stop when its leader is gone, and hears no more of it", async () => {
  const { clock, hear, told, aborts, page, answers } = rig();
  const line = (session: number, name: string, ...messages: object[]): void =>
    hear("line", 3, session, { line: name, messages });
  hear("welcome", 3, 1);
  line(1, "pool", { id: 1, method: "execute", args: [1, task] });
  page.post({ id: 1, method: "runs", args: [] });
  await clock.settle();
  hear("gone", 3, 1);
  expect(aborts).toEqual(["lease-lost"]);
  expect(told).toEqual([3, null]);
  hear("welcome", 3, 2);
  expect(told).toEqual([3, null, 3]);
  // From the tie that was: neither an answer nor work of this one.
  line(1, "page", { id: 1, ok: true, value: "old" });
  line(1, "pool", { id: 1, method: "execute", args: [1, task] });
  line(2, "page", { id: 1, ok: true, value: "new" });
  await clock.settle();
  expect(answers.filter((message) => "ok" in (message as object))).toEqual([
    { id: 1, ok: true, value: "new" },
  ]);
  hear("gone", 3, 2);
  expect(aborts).toEqual(["lease-lost"]);
});

it("notices silence, but not that of one who is opening the database", async () => {
  const { clock, hear, silences } = rig();
  for (let look = 0; look < 20; look += 1) {
    await clock.advance(100);
    hear("ping", 0, 0);
  }
  expect(silences()).toBe(0);
  await clock.advance(700);
  expect(silences()).toBe(1);
});
