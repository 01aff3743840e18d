import type { StorageReport } from "sluice";
import type { StorageKind } from "../engine.ts";
import { bytes } from "../ui/format.ts";

/** How safe the data is, in words that promise no more than the browser does. */
export function storageNote(kind: StorageKind, report: StorageReport | null): string {
  if (kind === "memory")
    return "Runs live in this tab's memory: they are gone when it is closed or reloaded.";
  const used = report?.usageBytes == null ? "" : ` ${bytes(report.usageBytes)} used.`;
  const kept = "Runs are kept in this browser, through reloads and crashes.";
  if (report?.persisted === true)
    return `${kept} It promised not to remove them when space runs short.${used}`;
  if (report?.persisted === false) {
    return `${kept} It may remove them when space runs short.${used}`;
  }
  return `${kept}${used}`;
}
