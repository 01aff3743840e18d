/** Where the page is: the start, or one run. In the hash, so that any static host and sub-path serves it. */
export type Route = { readonly page: "start" } | { readonly page: "run"; readonly runId: string };

/** Reads a location's hash; what it doesn't know is the start. */
export function parseRoute(hash: string): Route {
  const id = /^#\/r\/([^/?]+)$/u.exec(hash)?.[1];
  if (id === undefined) return { page: "start" };
  try {
    return { page: "run", runId: decodeURIComponent(id) };
  } catch {
    // A `%` that escapes nothing.
    return { page: "start" };
  }
}

/** The hash of a route, to be used as a link's address. */
export function hrefOf(route: Route): string {
  return route.page === "start" ? "#/" : `#/r/${encodeURIComponent(route.runId)}`;
}
