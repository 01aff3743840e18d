/** Moves the focus to what the next render brings; what isn't there leaves it where it is. */
export function focusLater(selector: string): void {
  requestAnimationFrame(() => document.querySelector<HTMLElement>(selector)?.focus());
}

/** Brings into view what the next render brings, for screens too small for all of the page. */
export function scrollLater(selector: string): void {
  requestAnimationFrame(() => {
    const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    document
      .querySelector(selector)
      ?.scrollIntoView({ behavior: isCalm ? "auto" : "smooth", block: "start" });
  });
}

/** The selector of a stage's node on the canvas. */
export function nodeOf(stageId: string): string {
  return `[data-stage="${CSS.escape(stageId)}"]`;
}
