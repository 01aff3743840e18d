import { useSyncExternalStore } from "react";
import { hrefOf, parseRoute, type Route } from "./route.ts";

/** The route in the address bar, followed. */
export function useRoute(): Route {
  const hash = useSyncExternalStore(follow, () => location.hash);
  return parseRoute(hash);
}

/** Goes to a route, with an entry in the history. */
export function goTo(route: Route): void {
  location.hash = hrefOf(route);
}

function follow(listener: () => void): () => void {
  addEventListener("hashchange", listener);
  return () => removeEventListener("hashchange", listener);
}
