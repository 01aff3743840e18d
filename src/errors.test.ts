import { describe as group, expect, it } from "vitest";
import { describe, type Issue, SchemaError, toRecord, UnknownCommandError } from "./errors.ts";

group("describe", () => {
  it("says what a value is", () => {
    class Point {}
    const values = [1, "a", 2n, null, undefined, [1, 2], {}, new Point(), () => 1, Symbol("x")];
    expect(values.map(describe)).toEqual([
      "1",
      '"a"',
      "2n",
      "null",
      "undefined",
      "an array of 2",
      "an object",
      "an instance of Point",
      "a function",
      "a symbol",
    ]);
  });

  it("doesn't throw, whatever reading the value throws", () => {
    const trap = {
      get constructor(): never {
        throw new Error("boom");
      },
    };
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect([trap, proxy].map(describe)).toEqual([
      "an object that can't be read",
      "an object that can't be read",
    ]);
    expect(new UnknownCommandError(proxy, ["run.create"]).message).toContain("can't be read");
    expect(new UnknownCommandError(5n, ["run.create"]).message).toContain("5n");
  });
});

group("SchemaError", () => {
  const issues = (count: number): Issue[] =>
    Array.from({ length: count }, (_, index) => ({ path: `[${index}]`, message: "not a number" }));

  it("keeps up to a hundred issues as they are", () => {
    expect(new SchemaError("stage output", "s", issues(100)).issues).toEqual(issues(100));
    expect(new SchemaError("stage output", "s", []).issues).toEqual([]);
  });

  it("keeps the first hundred of more, and says how many there were", () => {
    const error = new SchemaError("stage output", "s", issues(100_000));
    expect(error.issues).toHaveLength(100);
    expect(error.issues.slice(0, 99)).toEqual(issues(99));
    expect(error.issues.at(-1)).toEqual({ path: "[99]", message: "not a number (and 99900 more issues)" });
    expect(error.message).toContain("99900 more issues");
    expect(error.message.length).toBeLessThan(5000);
    expect(toRecord(error).issues).toEqual(error.issues);
  });
});
