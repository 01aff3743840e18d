import { createCell } from "./cell.ts";
import { recall, remember } from "./remember.ts";

/** `system` follows the system's. The page's head sets it before the first paint. */
export type Theme = "system" | "light" | "dark";

/** The theme that was chosen. */
export const theme = createCell<Theme>(recall("theme", ["system", "light", "dark"]));

/** Chooses a theme, here and for the next visits. */
export function chooseTheme(choice: Theme): void {
  theme.set(choice);
  remember("theme", choice);
  if (choice === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = choice;
}
