import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as errors from "../../errors.ts";
import { classes, decodeError, encodeError } from "./error-codec.ts";

/** As it crosses a port. */
const across = (error: unknown): Error => decodeError(structuredClone(encodeError(error)));

describe("errors that cross a port", () => {
  it("have a class for each code that can be thrown", () => {
    const folder = new URL("../../errors/", import.meta.url);
    const source = readdirSync(folder).map((file) => readFileSync(new URL(file, folder), "utf8"));
    const codes = [...source.join().matchAll(/super\(\s*"([A-Z_]+)"/g)].map((match) => match[1] ?? "");
    expect(codes.length).toBeGreaterThan(35);
    expect(codes.filter((code) => !(code in classes))).toEqual([]);
    const all = Object.values(errors).filter(
      (one) => typeof one === "function" && one.prototype instanceof Error,
    );
    const known = new Set<unknown>([...Object.values(classes), errors.SluiceError]);
    expect(all.filter((one) => !known.has(one))).toEqual([]);
  });

  it.each([
    new errors.SchemaError("workflow output", "w", [{ path: "a.b", message: "no" }]),
    new errors.SchemaError("stage config", "w", []),
    new errors.PayloadError("input.f", "a function"),
    new errors.RunFailedError("r", { name: "Error", code: "STAGE_ERROR", message: "boom", stageId: "s" }),
    new errors.StaleVersionError("run.cancel", "r", "version", 3),
    new errors.DefinitionError("no", "stage-1"),
    new errors.StorageFullError("indexeddb"),
    new errors.NotConnectedError("x", "y"),
  ])("keep class, code, message and fields: $code", (error) => {
    const decoded = across(error);
    expect(decoded).toBeInstanceOf(error.constructor);
    expect(decoded).toBeInstanceOf(errors.SluiceError);
    expect(Object.entries(decoded)).toEqual(expect.arrayContaining(Object.entries(error)));
    expect(decoded.message).toBe(error.message);
    expect(decoded.name).toBe(error.name);
    expect(decoded.stack).toBe(error.stack);
    expect(decoded.cause).toEqual(error.cause);
  });

  it("keep causes, some levels deep", () => {
    let error: Error = new TypeError("level 9");
    for (let level = 8; level >= 0; level -= 1)
      error = new errors.StorageFullError("memory", { cause: error });
    let decoded: unknown = across(error);
    let depth = 0;
    while (decoded instanceof errors.StorageFullError) {
      depth += 1;
      decoded = decoded.cause;
    }
    expect(depth).toBe(6);
    expect(decoded).toBeUndefined();
    const short = across(new errors.CodecError("x", { cause: new TypeError("why") }));
    expect(short.cause).toMatchObject({ name: "TypeError", message: "why" });
    expect(across(new errors.CodecError("x", { cause: { n: 1 } })).cause).toEqual({ n: 1 });
  });

  it("stay errors where their code isn't one of Sluice's", () => {
    const foreign = Object.assign(new RangeError("too far"), { code: "EFAR", limit: 3, act: () => 1 });
    const decoded = across(foreign);
    expect(decoded).toBeInstanceOf(Error);
    expect(decoded).not.toBeInstanceOf(errors.SluiceError);
    expect(decoded).toMatchObject({ name: "RangeError", message: "too far", code: "EFAR", limit: 3 });
    expect(decoded).not.toHaveProperty("act");
    expect(across(Object.assign(new Error("x"), { code: "toString" }))).toMatchObject({ code: "toString" });
  });

  it("are made of whatever else was thrown", () => {
    expect(across("just text")).toMatchObject({ name: "Error", message: "just text" });
    expect(across(undefined)).toMatchObject({ message: "undefined" });
    expect(across({ odd: Symbol("x") })).toMatchObject({ message: "an object" });
    expect(across(new Error("x", { cause: () => 1 })).cause).toBe("a function");
  });
});
