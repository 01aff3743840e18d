import { describe, expect, it } from "vitest";
import { foldWord, quote, sentences, squeeze, words } from "./text.ts";

describe("text", () => {
  it("keeps hyphens and apostrophes inside words, and parts words at dashes", () => {
    expect(words("The guest-house didn’t close--'twas 9 o'clock—naïve, eh?")).toEqual(
      "The guest-house didn’t close twas 9 o'clock naïve eh".split(" "),
    );
    expect(words("... -- !")).toEqual([]);
  });

  it("folds case and apostrophes", () => {
    expect(foldWord("DIDN’T")).toBe("didn't");
  });

  it("finds sentences, also those that quotations end in", () => {
    expect(sentences('"Come in!" said he. We came. Did we?')).toEqual([
      '"Come in!" said he.',
      "We came.",
      "Did we?",
    ]);
  });

  it("squeezes white space, no-break spaces too", () => {
    expect(squeeze("\n a \u00a0\t b\r\n")).toBe("a b");
  });

  it("quotes a short text whole, and a long one up to a word", () => {
    expect(quote("as  it\nis", 7)).toBe("as it…");
    expect(quote("as it is", 8)).toBe("as it is");
    expect(quote("one two, three", 9)).toBe("one two…");
    expect(quote("abcdefghijklmnop", 5)).toBe("abcd…");
  });
});
