/** A process that simulates the seeds that it is sent. */
import { simulate } from "./simulate.ts";

process.on("message", (seed) => {
  void simulate(Number(seed)).then((report) => process.send?.(report));
});
