import { storeConformance } from "sluice/testing";
import { createHarness } from "../../../adapters/indexeddb/conformance.test-helper.ts";
import { call } from "../harness/remote.ts";
import type { ConformancePage } from "./api.ts";

const cases = storeConformance({ create: createHarness });

const offered: ConformancePage = {
  async names() {
    return cases.map(({ name }) => name);
  },
  async run(name) {
    const found = cases.find((one) => one.name === name);
    if (found === undefined) throw new Error(`there is no case ${JSON.stringify(name)}`);
    await found.run();
  },
  async stay() {
    await createHarness({});
  },
};
Object.assign(globalThis, { offered });

interface Question {
  readonly method: string;
  readonly args: readonly unknown[];
  readonly port: MessagePort;
}

self.addEventListener("message", ({ data }: MessageEvent<Question>) => {
  void call([data.method, data.args]).then((answer) => data.port.postMessage(answer));
});
