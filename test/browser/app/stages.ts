/** The stage worker's module: what an embedder writes. */
import { serveStages } from "sluice/stages";
import { workflows } from "./workflows.ts";

serveStages(Object.values(workflows));
