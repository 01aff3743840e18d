import { serveStages } from "sluice/stages";
import { three } from "./pipeline.ts";

serveStages([three]);
