/** `sluice`: what people import. */
export type {
  ChangeQuery,
  Engine,
  EventQuery,
  EventStream,
  LetterQuery,
  LogQuery,
  RunHandle,
  RunProgress,
  RunSnapshot,
  StageRef,
  StartOptions,
} from "./client/api.ts";
export { createEngine, type EngineOptions, type LocalEngine } from "./client/engine.ts";
export * from "./define/index.ts";
export { createPump, type Pump, type PumpOptions, type PumpStats } from "./hosts/pump.ts";
export type { FeedChange } from "./hosts/remote/backend.ts";
export * from "./kernel-entry.ts";
export { createPluginRunner, type PluginReport, type PluginRunner } from "./runner/plugin-runner.ts";
