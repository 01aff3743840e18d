import { serveStages } from "sluice/stages";
import { pipeline } from "./pipeline";

serveStages([pipeline]);
