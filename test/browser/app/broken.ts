/** A stage worker's module that throws before it serves anything. */
import { serveStages } from "sluice/stages";

serveStages(null as never);
