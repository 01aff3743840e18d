/** For pages in a browser without a driver. */
import { call } from "./remote.ts";

/** Fetches calls from the server, and answers them, for as long as the page lives. */
export async function pullCalls(): Promise<never> {
  let body = "";
  for (;;) {
    const response = await fetch("/calls", { method: "POST", body });
    const { id, method, args } = (await response.json()) as {
      readonly id: number;
      readonly method: string;
      readonly args: readonly unknown[];
    };
    body = JSON.stringify({ id, answer: await call([method, args]) });
  }
}
