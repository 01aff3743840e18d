import { readFileSync } from "node:fs";
import { StorageFullError } from "sluice";
import { describe, expect, it } from "vitest";
import { DocumentError } from "../../document/errors.ts";
import { adviceFor, advisedCodes, problemOf } from "./problem.ts";

describe("problemOf", () => {
  it("keeps the stable code and says what to do", () => {
    expect(problemOf(new DocumentError("DOCUMENT_EMPTY", '"a" is empty: 0 bytes'))).toEqual({
      code: "DOCUMENT_EMPTY",
      message: '"a" is empty: 0 bytes',
      advice: "Choose a file with something in it.",
    });
    expect(problemOf(new StorageFullError("indexeddb")).advice).toContain("goes on when there is room");
  });

  it("shows foreign errors by their name, and whatever else was thrown as text", () => {
    expect(problemOf(new TypeError("x is undefined"))).toEqual({
      code: "TypeError",
      message: "x is undefined",
      advice: null,
    });
    expect(problemOf(new Error("")).message).toBe("It gave no reason.");
    // A DOM exception's `code` is a number that means nothing today.
    expect(problemOf(new DOMException("no", "QuotaExceededError")).code).toBe("QuotaExceededError");
    expect(problemOf("odd")).toMatchObject({ code: "ERROR", message: "odd" });
  });
});

describe("adviceFor", () => {
  it("has something for each way in which a document is refused", () => {
    const codes = ["BINARY", "EMPTY", "TOO_LARGE", "ENCRYPTED", "NO_TEXT", "UNREADABLE"];
    expect(codes.filter((code) => adviceFor(`DOCUMENT_${code}`) === null)).toEqual([]);
  });

  it("is given for codes that exist", () => {
    const documented = readFileSync(new URL("../../../docs/errors.md", import.meta.url), "utf8");
    const unknown = advisedCodes.filter(
      (code) => !code.startsWith("DOCUMENT_") && !documented.includes(`### ${code}\n`),
    );
    expect(unknown).toEqual([]);
  });

  it("has nothing for what it doesn't know", () => expect(adviceFor("TEAPOT")).toBeNull());
});
