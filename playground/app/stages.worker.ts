/** The stage workers' module: the only place of the page that holds the stages' code. */
import { serveStages } from "sluice/stages";
import { pipeline } from "../document/stages.ts";

serveStages([pipeline]);
