/** Errors as data. */
import type { ErrorRecord } from "../model.ts";
import { describe } from "./base.ts";
import { SchemaError } from "./input.ts";

/** An error as data. Foreign errors keep name, message, stack, and a string `code`. */
export function toRecord(error: unknown, fallback = "STAGE_ERROR"): ErrorRecord {
  if (!(error instanceof Error)) {
    return { name: "Error", code: fallback, message: typeof error === "string" ? error : describe(error) };
  }
  const code = "code" in error && typeof error.code === "string" ? error.code : fallback;
  const issues = error instanceof SchemaError ? { issues: error.issues } : {};
  const stack = error.stack === undefined ? {} : { stack: error.stack };
  return { name: error.name, code, message: error.message, ...stack, ...issues };
}
