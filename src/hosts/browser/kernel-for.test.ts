import { expect, it } from "vitest";
import { memoryStore } from "../../../adapters/memory/index.ts";
import { DEFAULT_POLICY } from "../../runner/create-kernel.ts";
import { createEventSink } from "../../runner/event-sink.ts";
import { virtualClock } from "../../testing/clock.ts";
import { kernelFor } from "./kernel-for.ts";
import { Routes } from "./routes.ts";

it("makes a kernel that is fenced by its epoch, and lets go of what it delivers soon after its death", () => {
  const kernel = kernelFor({
    store: memoryStore(),
    epoch: 7,
    name: "tab-1/kernel-7",
    clock: virtualClock(),
    routes: new Routes(),
    sink: createEventSink(),
    liveness: { dead: async () => [] },
  });
  expect(kernel.ports).toMatchObject({ leaderEpoch: 7, name: "tab-1/kernel-7" });
  expect(kernel.ports.policy).toEqual({ ...DEFAULT_POLICY, holdMs: 5000 });
});
