/** What commands must see and what clients ask: answered from memory, after bringing in what of it is only on disk. */
import type { KeyRecord, Run } from "../../src/model.ts";
import { checkCount } from "../../src/ports/limits.ts";
import type { Loaded, Page, RunFilter, Scope } from "../../src/ports/store.ts";
import { copyRun } from "../tables/copies.ts";
import { cursorOf, orderOf, PAGE } from "../tables/queries.ts";
import { loadScope } from "../tables/scopes.ts";
import type { Io } from "./io.ts";
import { type Mirror, settledStatuses } from "./mirror.ts";
import type { RunRow } from "./schema.ts";

type Of<Kind extends Scope["of"]> = Extract<Scope, { of: Kind }>;

/** Runs that are brought in at once, where nobody knows how many are wanted. */
const ROUND = 50;

/** Loads a scope; undefined when it takes a transaction, and there is none. */
export async function see(
  mirror: Mirror,
  io: Io | null,
  scope: Scope,
  now: number,
): Promise<Loaded | undefined> {
  // First of all for its checks of the scope.
  let loaded = loadScope(mirror.tables, scope, now);
  if (scope.of === "letters") {
    if (io === null) return undefined;
    const load = (): Loaded => loadScope(mirror.tables, scope, now);
    const count = (): number => load().runs.reduce((sum, { letters }) => sum + letters.length, 0);
    await bringLettered(mirror, io, scope.runId, now, () => count() >= scope.limit);
    return load();
  }
  if (scope.of === "purgeable") return io === null ? undefined : seePurgeable(mirror, io, scope, now);
  if (scope.of === "run" || scope.of === "entry") {
    const key = scope.of === "run" ? scope.key : undefined;
    const isKeyHere = key === undefined || mirror.tables.key(key.type, key.key) !== undefined;
    if (!isKeyHere || !mirror.tables.runs.has(scope.runId)) {
      if (io === null) return undefined;
      await Promise.all([
        mirror.runs(io, [scope.runId], now),
        mirror.keys(io, key === undefined ? [] : [[key.type, key.key]]),
      ]);
      loaded = loadScope(mirror.tables, scope, now);
    }
  }
  return complete(mirror, io, scope, now, loaded);
}

/** What was found by heads and jobs alone tells whose other rows are needed. */
async function complete(
  mirror: Mirror,
  io: Io | null,
  scope: Scope,
  now: number,
  loaded: Loaded,
): Promise<Loaded | undefined> {
  const ids = scope.of === "entry" ? [scope.runId] : loaded.runs.map(({ run }) => run.id);
  if (!needsAll(scope, loaded) || ids.every((id) => mirror.isFull(id) || !mirror.tables.runs.has(id)))
    return loaded;
  if (io === null) return undefined;
  await mirror.fill(
    io,
    ids.flatMap((id) => mirror.tables.runs.get(id) ?? []),
  );
  return loadScope(mirror.tables, scope, now);
}

function needsAll(scope: Scope, loaded: Loaded): boolean {
  switch (scope.of) {
    case "run": {
      const { body, stages, signals, keys, awaiting } = scope;
      return Boolean(body ?? signals ?? keys) || stages !== undefined || awaiting !== undefined;
    }
    case "entry":
      return loaded.settled === null;
    case "pending":
    case "stale":
      return false;
    default:
      return true;
  }
}

/** Brings in runs with dead letters until there are enough; all live ones are here. */
export async function bringLettered(
  mirror: Mirror,
  io: Io,
  runId: string | undefined,
  now: number,
  isEnough: () => boolean,
): Promise<void> {
  const ids = runId === undefined ? await io.keys<string>("settled", null, undefined, "lettered") : [runId];
  for (let from = 0; from < ids.length && !isEnough(); from += ROUND)
    await mirror.runs(io, ids.slice(from, from + ROUND), now);
}

async function seePurgeable(mirror: Mirror, io: Io, scope: Of<"purgeable">, now: number): Promise<Loaded> {
  const { olderThanMs, status, keep, limit } = scope;
  const statuses = settledStatuses.filter((one) => status === null || status.includes(one));
  let most = limit;
  if (keep > 0) {
    let size = 0;
    for (const one of statuses) size += mirror.settled[one] ?? 0;
    for (const rows of mirror.live())
      if (rows.head.delivered && statuses.includes(rows.head.status)) size += 1;
    most = Math.max(0, Math.min(limit, size - keep));
  }
  if (most > 0) {
    const old = await Promise.all(
      statuses.map((one) => {
        const range = IDBKeyRange.bound([one], [one, now - olderThanMs]);
        return io.all<RunRow>("settled", range, most, "[run.status+run.settledAt]");
      }),
    );
    const oldest = old.flat().sort((left, right) => (left.run.settledAt ?? 0) - (right.run.settledAt ?? 0));
    await mirror.guests(io, oldest.slice(0, most), now);
  }
  // What is here of them is the oldest there are, so nothing is kept back any more.
  const found = { ...scope, keep: 0, limit: most };
  const loaded = loadScope(mirror.tables, found, now);
  const runs = (await complete(mirror, io, found, now, loaded))?.runs ?? [];
  return { ...loaded, runs, orphans: await orphans(mirror, io, limit, now) };
}

/** Idempotency records that expired, of runs that are gone. */
async function orphans(mirror: Mirror, io: Io, limit: number, now: number): Promise<readonly KeyRecord[]> {
  if (limit === 0) return [];
  const expired = await io.all<KeyRecord>("keys", IDBKeyRange.upperBound(now), limit, "expiresAt");
  const gone = await Promise.all(
    expired.map(
      async ({ runId }) =>
        !mirror.tables.runs.has(runId) && (await io.keys("settled", IDBKeyRange.only(runId), 1)).length === 0,
    ),
  );
  return expired.filter((_, index) => gone[index]);
}

/** Runs, newest first: those that are over by an index, from where the page begins. */
export async function listRuns(mirror: Mirror, io: Io, filter: RunFilter): Promise<Page<Run>> {
  const { status, workflowId, limit = PAGE, cursor } = filter;
  checkCount("runs", "limit", limit);
  const before = orderOf(cursor);
  const found: { readonly order: number; readonly run: Run }[] = [];
  for (const { order, head } of mirror.live()) {
    const isWanted =
      order < before &&
      (status === undefined || status.includes(head.status)) &&
      (workflowId === undefined || head.workflowId === workflowId);
    if (isWanted) found.push({ order, run: head });
  }
  const prefix = workflowId === undefined ? [] : [workflowId];
  const index = workflowId === undefined ? "[run.status+nth]" : "[run.workflowId+run.status+nth]";
  for (const one of settledStatuses) {
    if (status !== undefined && !status.includes(one)) continue;
    const range = IDBKeyRange.bound([...prefix, one, -before], [...prefix, one, []], true);
    // One more than asked for tells whether there is a next page.
    for (const { nth, run } of await io.all<RunRow>("settled", range, limit + 1, index))
      found.push({ order: -nth, run });
  }
  const page = found.sort((left, right) => right.order - left.order).slice(0, limit);
  return {
    rows: page.map(({ run }) => copyRun(run)),
    next: found.length > limit ? cursorOf(page.at(-1)?.order ?? before) : null,
  };
}

/** The latest run that `run.create` created with a key. */
export async function findRunByKey(mirror: Mirror, io: Io, key: string): Promise<Run | null> {
  const settled = await io.all<RunRow>("settled", IDBKeyRange.only(key), undefined, "run.key");
  let latest: { readonly order: number; readonly run: Run } | null = null;
  for (const found of [
    ...settled.map(({ nth, run }) => ({ order: -nth, run })),
    ...(mirror.tables.runsByKey.get(key) ?? []).map(({ order, head }) => ({ order, run: head })),
  ]) {
    if (found.run.forkedFrom === null && found.order > (latest?.order ?? 0)) latest = found;
  }
  return latest === null ? null : copyRun(latest.run);
}

/** How many runs there are. */
export function countRuns(mirror: Mirror): number {
  let count = [...mirror.live()].length;
  for (const settled of Object.values(mirror.settled)) count += settled;
  return count;
}
