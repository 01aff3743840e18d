import { connectEngine } from "sluice/browser";
import { pipeline } from "./pipeline";

const engine = await connectEngine({
  stages: () => new Worker(new URL("./stages.ts", import.meta.url), { type: "module" }),
  database: "receipts",
});

const csv = new Blob(["bread,2.40\ncheese,11.25\napples,3.10\n"]);
const run = await engine.start(pipeline, { csv }, { idempotencyKey: "market day" });
const total = document.querySelector("#total");
if (total) total.textContent = await run.result();
