/**
 * The most entries that a table of counts holds. A novel of 78,000 words has 5,900 different ones and 10,100 phrases
 * to count; 3,000,000 random words filled 4 GB of memory before there was a bound.
 */
const MOST_ENTRIES = 250_000;

/**
 * Keeps a table of counts from growing without bound: once it holds more than 250,000 entries, the rarest are
 * forgotten until half that many are left. What is frequent overall survives, with a count that may be a little low:
 * the idea of Lossy Counting (Manku & Motwani, "Approximate Frequency Counts over Data Streams", VLDB 2002).
 */
export function forgetRarest(table: Map<string, { readonly count: number }>, most = MOST_ENTRIES): void {
  if (table.size <= most) return;
  for (let least = 1; table.size > most / 2; least += 1) {
    for (const [key, { count }] of table) if (count <= least) table.delete(key);
  }
}
