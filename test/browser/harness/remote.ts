/** Calls into a page by name, typed by what the page offers. */
import type { Page } from "playwright-core";

/** What a page offers to its test under `globalThis.offered`: functions that take and give plain data. */
export type Offered<Api> = { readonly [Name in keyof Api]: (...args: never[]) => Promise<unknown> };

/** An error that was thrown in a page, with the class's name and the code that it had there. */
export class PageError extends Error {
  readonly code: string | null;
  constructor(name: string, code: string | null, message: string) {
    super(message);
    this.name = name;
    this.code = code;
  }
}

/** What came of a call in a page. */
export type Answer =
  | { readonly value?: unknown }
  | { readonly name: string; readonly code: string | null; readonly message: string };

/**
 * The functions that a page offers, called in the page as it then is: also after a reload.
 *
 * @example const sum = await remote<Calculator>(page).add(1, 2);
 */
export function remote<Api extends Offered<Api>>(page: Page): Api {
  return new Proxy({} as Api, {
    get(_, name) {
      // Whoever awaits it asks whether it is a promise.
      if (name === "then") return undefined;
      return async (...args: unknown[]) => valueOf(await page.evaluate(call, [String(name), args] as const));
    },
  });
}

/** The value of a call in a page, or its error. */
export function valueOf(answer: Answer): unknown {
  if (!("name" in answer)) return answer.value;
  throw new PageError(answer.name, answer.code, answer.message);
}

/** Calls what a page offers; runs in the page. An error crosses as data, because Playwright keeps its message only. */
export async function call([method, args]: readonly [string, readonly unknown[]]): Promise<Answer> {
  const { offered } = globalThis as unknown as {
    readonly offered: Readonly<Record<string, (...args: readonly unknown[]) => Promise<unknown>>>;
  };
  try {
    const offer = offered[method];
    if (offer === undefined) throw new Error(`the page offers no ${method}`);
    return { value: await offer(...args) };
  } catch (error) {
    const { name, code, message } = error as Partial<Record<"name" | "code" | "message", unknown>>;
    return {
      name: String(name),
      code: typeof code === "string" ? code : null,
      message: String(message ?? error),
    };
  }
}
