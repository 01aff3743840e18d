import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { chosenStorage, createConnector } from "./state/session.ts";
import "./style/tokens.css";
import "./style/base.css";
import "./style/status.css";
import "./style/shell.css";
import "./style/canvas.css";
import "./style/panels.css";
import "./style/report.css";

const place = document.getElementById("app");
if (place === null) throw new Error("index.html has no element #app");
const connector = createConnector();
void connector.use(chosenStorage());
createRoot(place).render(
  <StrictMode>
    <App connector={connector} />
  </StrictMode>,
);
