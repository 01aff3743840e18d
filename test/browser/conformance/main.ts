import { pullCalls } from "../harness/pull.ts";
import { type Answer, valueOf } from "../harness/remote.ts";
import type { ConformancePage } from "./api.ts";

// In a worker, as the engine's store is.
const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });

function ask(method: string, args: readonly unknown[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const { port1, port2 } = new MessageChannel();
    worker.onerror = ({ message }) => reject(new Error(message));
    port1.onmessage = ({ data }: MessageEvent<Answer>) => {
      port1.close();
      try {
        resolve(valueOf(data));
      } catch (error) {
        reject(error);
      }
    };
    worker.postMessage({ method, args, port: port2 }, [port2]);
  });
}

const page: ConformancePage = {
  names: () => ask("names", []) as Promise<readonly string[]>,
  run: async (name) => void (await ask("run", [name])),
  stay: async () => void (await ask("stay", [])),
};
Object.assign(globalThis, { offered: page });
if (location.hash === "#pull") void pullCalls();
