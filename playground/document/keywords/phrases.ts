import { foldWord } from "../text.ts";
import { isStopword } from "./stopwords.ts";

/** A word in its place. */
export interface Term {
  /** As it is counted: lower case, without a possessive ending. */
  readonly key: string;
  /** As it is shown: as written, but for a capital that it owes to its place. */
  readonly surface: string;
  readonly stop: boolean;
  /** Written as a name or an acronym where its place doesn't ask for a capital. */
  readonly capital: boolean;
}

const WORD_OR_BREAK = /([\p{L}\p{N}]+(?:['’-][\p{L}\p{N}]+)*)|--|[.,;:!?()[\]"“”/—–]/gu;

/**
 * Splits a sentence at its punctuation, over which no phrase reaches, into runs of terms.
 *
 * A word that opens a sentence or a quotation owes its capital to its place, as does every word of a sentence printed
 * in capitals.
 */
export function readPhrases(sentence: string): Term[][] {
  const shouted = !/\p{Ll}/u.test(sentence);
  const phrases: Term[][] = [];
  let current: Term[] = [];
  let opening = true;
  for (const [mark, word] of sentence.matchAll(WORD_OR_BREAK)) {
    if (word === undefined) {
      if (current.length > 0) phrases.push(current);
      current = [];
      if (/["“.!?:]|--|—/u.test(mark)) opening = true;
      continue;
    }
    const folded = foldWord(word).replace(/'s$/u, "");
    current.push({
      key: folded,
      surface: opening || shouted ? folded : word.replace(/['’]s$/u, ""),
      stop: isSilent(folded),
      capital: /^\p{Lu}/u.test(word) && !opening && !shouted,
    });
    opening = false;
  }
  if (current.length > 0) phrases.push(current);
  return phrases;
}

/** Whether a word can't be part of a keyword: grammar, a bare number, a single letter, or data without a space. */
function isSilent(folded: string): boolean {
  return folded.length < 2 || folded.length > 40 || /^[\p{N}-]+$/u.test(folded) || isStopword(folded);
}
