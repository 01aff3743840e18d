/** Small choices that outlive a reload. Where the browser keeps nothing for a page, they last as long as it. */
const prefix = "sluice-playground:";

/** Reads a choice; what isn't one of those allowed is the first of them. */
export function recall<Choice extends string>(name: string, choices: readonly [Choice, ...Choice[]]): Choice {
  const [first] = choices;
  try {
    const kept = localStorage.getItem(prefix + name);
    return choices.find((choice) => choice === kept) ?? first;
  } catch {
    return first;
  }
}

/** Keeps a choice. */
export function remember(name: string, choice: string): void {
  try {
    localStorage.setItem(prefix + name, choice);
  } catch {
    // Refused or full: the choice holds for this page.
  }
}
