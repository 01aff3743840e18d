import { forgetRarest } from "./forget.ts";
import type { Term } from "./phrases.ts";

interface TermRecord {
  count: number;
  capitals: number;
  /** The sentences it stands in, ascending, each once. */
  readonly sentences: number[];
  readonly left: Neighbours;
  readonly right: Neighbours;
}

interface Neighbours {
  readonly different: Set<string>;
  total: number;
}

/**
 * Collects what YAKE! asks of each single word and scores it: S(t) of Campos et al. 2020 (cited in
 * full in `keywords.ts`). The lower the score, the more a word tells about its document. Stopwords count as
 * neighbours, and are not scored.
 */
export class TermTable {
  readonly #terms = new Map<string, TermRecord>();
  #sentences = 0;

  /** Adds one sentence, in the order of the document. */
  addSentence(phrases: readonly (readonly Term[])[]): void {
    const sentence = this.#sentences;
    this.#sentences += 1;
    for (const phrase of phrases) {
      phrase.forEach((term, place) => {
        if (term.stop) return;
        const record = this.#record(term.key);
        record.count += 1;
        if (term.capital) record.capitals += 1;
        if (record.sentences.at(-1) !== sentence) record.sentences.push(sentence);
        addNeighbour(record.left, phrase[place - 1]);
        addNeighbour(record.right, phrase[place + 1]);
      });
    }
    forgetRarest(this.#terms);
  }

  /** The score of each term. */
  scores(): ReadonlyMap<string, number> {
    const counts = Array.from(this.#terms.values(), (term) => term.count);
    const mean = counts.reduce((sum, count) => sum + count, 0) / Math.max(1, counts.length);
    const deviation = Math.sqrt(
      counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / Math.max(1, counts.length),
    );
    const most = counts.reduce((max, count) => Math.max(max, count), 1);
    return new Map(
      Array.from(this.#terms, ([key, term]) => {
        // Casing: names and acronyms. The paper divides by ln(TF); the added 1 spares a word that stands once.
        const casing = term.capitals / (1 + Math.log(term.count));
        // Position: words of early sentences.
        const position = Math.log(Math.log(3 + medianOfSorted(term.sentences)));
        // Frequency, against the mean and one deviation, so that long documents don't drown in it.
        const frequency = term.count / (mean + deviation);
        // Relatedness: a word with many different neighbours is a word of grammar.
        const related = 1 + (diversity(term.left) + diversity(term.right)) * (term.count / most);
        // Spread: in how many of the sentences.
        const spread = term.sentences.length / this.#sentences;
        return [key, (related * position) / (casing + frequency / related + spread / related)] as const;
      }),
    );
  }

  #record(key: string): TermRecord {
    let record = this.#terms.get(key);
    if (!record) {
      record = { count: 0, capitals: 0, sentences: [], left: noNeighbours(), right: noNeighbours() };
      this.#terms.set(key, record);
    }
    return record;
  }
}

function noNeighbours(): Neighbours {
  return { different: new Set(), total: 0 };
}

function addNeighbour(neighbours: Neighbours, term: Term | undefined): void {
  if (!term) return;
  neighbours.different.add(term.key);
  neighbours.total += 1;
}

function diversity({ different, total }: Neighbours): number {
  return total === 0 ? 0 : different.size / total;
}

function medianOfSorted(values: readonly number[]): number {
  const middle = values.length >> 1;
  const upper = values[middle] ?? 0;
  return values.length % 2 === 1 ? upper : ((values[middle - 1] ?? upper) + upper) / 2;
}
