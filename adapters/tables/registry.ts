/** The list of subscribers, as pure steps from one version to the next. */
import type { Registry } from "../../src/ports/store.ts";

/** The list with these names; the same object where all are known. A known one keeps its `since`. */
export function withNames(registry: Registry, names: readonly string[], now: number): Registry {
  const known = new Set(registry.subscribers.map(({ name }) => name));
  const added = [...new Set(names)].filter((name) => !known.has(name));
  if (added.length === 0) return registry;
  const subscribers = [...registry.subscribers, ...added.map((name) => ({ name, since: now }))];
  return { version: registry.version + 1, subscribers };
}

/** The list without this name; the same object where it isn't in it. */
export function withoutName(registry: Registry, name: string): Registry {
  const subscribers = registry.subscribers.filter((subscriber) => subscriber.name !== name);
  return subscribers.length === registry.subscribers.length
    ? registry
    : { version: registry.version + 1, subscribers };
}

/** A copy for callers. */
export function copyRegistry({ version, subscribers }: Registry): Registry {
  return { version, subscribers: subscribers.map((subscriber) => ({ ...subscriber })) };
}
