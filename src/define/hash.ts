import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import type { Graph } from "../model.ts";
import { canonical } from "../ports/canonical.ts";

/** Characters that are hashed at a time. */
const chunk = 16_384;

/**
 * The SHA-256 of a graph's canonical encoding, in hexadecimal.
 *
 * The stages are encoded and hashed by the chunk: 10,000 of them in one text of 2.3 MB took three to five times as long, nearly all of it
 * in the garbage collector.
 */
export function graphHash(data: Omit<Graph, "hash">): string {
  const hash = sha256.create();
  // An inner quote is escaped, so that no name can hold what is split at.
  const [head, tail] = canonical({ ...data, stages: [] }).split('"stages":[]') as [string, string];
  let text = `${head}"stages":[`;
  for (const [index, stage] of data.stages.entries()) {
    text += index === 0 ? canonical(stage) : `,${canonical(stage)}`;
    if (text.length < chunk) continue;
    hash.update(utf8ToBytes(text));
    text = "";
  }
  hash.update(utf8ToBytes(`${text}]${tail}`));
  return bytesToHex(hash.digest());
}
