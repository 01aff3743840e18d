import notes from "./samples/gate-log.html?raw";
import year from "./samples/lock-keeper.txt?raw";

/** A document to try, of our own writing. */
export interface Sample {
  readonly title: string;
  readonly kind: string;
  readonly file: () => File;
}

/** Part of the page itself: nothing is loaded for them. */
export const samples: readonly Sample[] = [
  {
    title: "The lock-keeper's year",
    kind: "plain text",
    file: () => new File([year], "The lock-keeper's year.txt", { type: "text/plain" }),
  },
  {
    title: "The night the river rose",
    kind: "HTML",
    file: () => new File([notes], "The night the river rose.html", { type: "text/html" }),
  },
];
