/** What axe-core objects to in a page as it now is. */
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

const require = createRequire(import.meta.url);
const script = require.resolve("axe-core/axe.min.js");

/** One line for each element that breaks a rule; empty where all is well. */
export async function violations(page: Page): Promise<readonly string[]> {
  await page.addScriptTag({ path: script });
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { readonly axe: Axe };
    const results = await axe.run();
    return results.violations.flatMap(({ id, help, nodes }) =>
      nodes.map(({ target }) => `${id}: ${help}: ${target.join(" ")}`),
    );
  });
}

interface Axe {
  run(): Promise<{
    readonly violations: readonly {
      readonly id: string;
      readonly help: string;
      readonly nodes: readonly { readonly target: readonly string[] }[];
    }[];
  }>;
}
