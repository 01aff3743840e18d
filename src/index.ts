/** `sluice`: what people import. */
export type {
  Engine,
  EventStream,
  LogQuery,
  RunHandle,
  RunProgress,
  StageRef,
  StartOptions,
} from "./client/api.ts";
export { createEngine, type EngineOptions, type LocalEngine } from "./client/engine.ts";
export * from "./define/index.ts";
export { createPump, type Pump, type PumpOptions, type PumpStats } from "./hosts/pump.ts";
export * from "./kernel-entry.ts";
export { createPluginRunner, type PluginReport, type PluginRunner } from "./runner/plugin-runner.ts";
