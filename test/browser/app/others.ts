/** A stage worker's module that has no code for the other tabs' runs. */
import { serveStages } from "sluice/stages";
import { loop } from "./workflows.ts";

serveStages([loop]);
