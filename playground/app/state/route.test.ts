import { describe, expect, it } from "vitest";
import { hrefOf, parseRoute } from "./route.ts";

describe("parseRoute", () => {
  it.each(["", "#", "#/", "#/x/1", "#/r/", "#/r/a/b", "#/r/%E0%A4%A", "#/r/a?b"])(
    "takes %j for the start",
    (hash) => {
      expect(parseRoute(hash)).toEqual({ page: "start" });
    },
  );

  it.each(["run-1", "a b/c?d#e%", "ü"])("reads what hrefOf wrote of the run %j", (runId) => {
    expect(parseRoute(hrefOf({ page: "run", runId }))).toEqual({ page: "run", runId });
  });

  it("reads the start back", () => {
    expect(parseRoute(hrefOf({ page: "start" }))).toEqual({ page: "start" });
  });
});
