/** `outbox.flush` from the store: lease cursors, deliver, move them. What eager delivery (`eager.ts`) doesn't hold comes this way. */
import type { DeadLetter, Event } from "../model.ts";
import type { Subscriber } from "../ports/event-sink.ts";
import { eventsOf } from "../ports/journal.ts";
import type { LoadedRun } from "../ports/store.ts";
import { type Delivered, decideHold, decideMove, scopeFlush } from "./commands/outbox-flush.ts";
import type { Core } from "./core.ts";
import { deliverInOrder, deliverReplayed } from "./deliver.ts";
import { runAfter } from "./warm.ts";

/** Rounds of one flush at most: what is left is found by the next. */
const MAX_ROUNDS = 100;

/** Delivers what is due to this kernel's subscribers, at most `maxEvents` events; answers how many were delivered. */
export async function flush(
  core: Core,
  maxEvents: number,
  isEager: (runId: string) => boolean,
): Promise<number> {
  const { subscribers } = core.ports.sink;
  if (subscribers.length === 0) return 0;
  await core.registry();
  // What this kernel committed must survive a power loss before an event of it leaves.
  await core.ports.store.harden?.();
  let published = 0;
  for (let round = 0; round < MAX_ROUNDS && published < maxEvents; round += 1) {
    const names = subscribers.map(({ name }) => name);
    const { runs, now } = await core.ports.store.load(scopeFlush(names, maxEvents - published));
    let left = maxEvents - published;
    let moved = 0;
    const work: Promise<{ handed: number; moved: boolean }>[] = [];
    for (const found of runs) {
      if (isEager(found.run.id)) continue;
      const due = subscribers.filter((subscriber) => isDue(found, subscriber.name, now));
      if (due.length === 0 || left <= 0) continue;
      const share = Math.min(left, due.length * pendingOf(found));
      left -= share;
      work.push(flushRun(core, found, due, { limit: share, now }));
    }
    for (const done of await Promise.all(work)) {
      published += done.handed;
      if (done.moved) moved += 1;
    }
    if (moved === 0) break;
  }
  return published;
}

function pendingOf(found: LoadedRun): number {
  return found.journal.reduce((sum, record) => sum + record.events.length, 0) + found.letters.length;
}

/** Whether a subscriber's cursor may be taken: there is something for it, it isn't backing off and nobody holds it. */
function isDue({ run, letters }: LoadedRun, name: string, now: number): boolean {
  const cursor = run.cursors[name];
  if (cursor !== undefined && cursor.holder !== null && cursor.heldUntil > now) return false;
  const replays = letters.some((letter) => letter.subscriber === name && letter.replaying);
  if (cursor === undefined) return true;
  return replays || (cursor.position < run.sequence && cursor.dueAt <= now);
}

async function flushRun(
  core: Core,
  found: LoadedRun,
  due: readonly Subscriber[],
  { limit, now }: { readonly limit: number; readonly now: number },
): Promise<{ handed: number; moved: boolean }> {
  const { clock, policy, name } = core.ports;
  // Counted from before the commit, and shortened: this clock may run slower than the store's.
  const until = clock.now() + policy.holdMs * 0.8;
  const patience = { clock, limit: core.deliveryLimit, until: () => until };
  const hold = decideHold(
    found.run,
    due.map((subscriber) => subscriber.name),
    name,
    await core.given(),
  );
  const { verdict: held } = await core.commit(hold);
  if (held.status !== "committed") return { handed: 0, moved: false };
  const { cursors } = runAfter(found.run, hold, held);
  const events = found.journal.flatMap((record) => eventsOf(record, found.run.workflowId));
  const registry = await core.registry();
  // Subscribers don't wait for each other's events; one that hangs holds only this flush, and not for longer than the timeout.
  const delivered = await Promise.all(
    due.map(async (subscriber, index): Promise<Delivered & { readonly handed: number }> => {
      const cursor = cursors[subscriber.name];
      if (cursor === undefined) throw new RangeError(`no cursor of ${subscriber.name} was leased`);
      const since = registry.subscribers.find((one) => one.name === subscriber.name)?.since ?? 0;
      // Not only where it has no cursor yet: what it isn't owed may be longer than a page, or its first flusher may have died.
      const first = Math.max(cursor.position, firstOwed(events, since));
      const share = Math.floor(limit / due.length) + (index < limit % due.length ? 1 : 0);
      const result =
        // By the time of the load: where only a replay was due then, the records between were not read.
        cursor.dueAt > now
          ? { position: cursor.position, handed: 0, refused: null }
          : await deliverInOrder(subscriber, events, first, share, patience);
      const letters = lettersOf(found, subscriber.name, events).slice(0, share - result.handed);
      const replayed = await deliverReplayed(subscriber, letters, patience);
      return {
        subscriber: subscriber.name,
        cursor,
        position: result.position,
        refused: result.refused,
        replayed,
        handed: result.handed + replayed.filter(({ error }) => error === null).length,
      };
    }),
  );
  await move(core, found.run.id, delivered);
  return { handed: delivered.reduce((sum, one) => sum + one.handed, 0), moved: true };
}

/** Commits what was delivered. Whoever else moved the run meanwhile, the cursors are still this flusher's, so it is decided again. */
async function move(core: Core, runId: string, delivered: readonly Delivered[]): Promise<void> {
  for (let tries = 0; tries < MAX_ROUNDS; tries += 1) {
    const { runs } = await core.ports.store.load({ of: "run", runId });
    const [found] = runs;
    if (found === undefined) return;
    const { verdict } = await core.commit(decideMove(found.run, delivered, await core.given()));
    if (verdict.status === "committed") return;
    // A lost cursor means that another delivers these events again: at least once, as promised.
    if (verdict.status !== "stale" || verdict.guard === "cursor" || verdict.guard === "run") return;
  }
}

/** The last event that was committed before a new subscriber registered. */
function firstOwed(events: readonly Event[], since: number): number {
  let position = 0;
  for (const event of events) if (event.timestamp < since) position = event.sequence;
  return position;
}

function lettersOf(
  found: LoadedRun,
  name: string,
  events: readonly Event[],
): { letter: DeadLetter; event: Event }[] {
  return found.letters.flatMap((letter) => {
    if (letter.subscriber !== name || !letter.replaying) return [];
    const event = events.find(({ sequence }) => sequence === letter.sequence);
    return event === undefined ? [] : [{ letter, event }];
  });
}
