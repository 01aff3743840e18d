import { Icon } from "../ui/icon.tsx";
import type { Look } from "./looks.ts";

/** A status as icon, word and colour; as a pill where it stands for itself. */
export function Status({ look, pill = false }: { readonly look: Look; readonly pill?: boolean }) {
  return (
    <span className={`status status-${look.state}${pill ? " status-pill" : ""}`}>
      <Icon name={look.state} size={pill ? 15 : 14} />
      {look.label}
    </span>
  );
}
