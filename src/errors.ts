/**
 * Every error that Sluice throws. They stand beside the model, not in the kernel, because adapters and `define` throw them too.
 */
export { describe, SluiceError } from "./errors/base.ts";
export * from "./errors/input.ts";
export * from "./errors/platform.ts";
export * from "./errors/record.ts";
export * from "./errors/run.ts";
