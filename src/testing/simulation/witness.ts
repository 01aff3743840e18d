/** Sees everything that the store does, follows it in the model, and asks the invariants. */
import type { Graph, Job } from "../../model.ts";
import type { Entry, JobTransport, LeaseRef, Registry, Store, Verdict } from "../../ports/store.ts";
import type { StoreCall } from "../crashing-store.ts";
import { DeliveryRules, type SubscriberRule } from "./invariants/deliveries.ts";
import { LeaseRules } from "./invariants/leases.ts";
import { Lifecycle } from "./invariants/lifecycle.ts";
import type { Actor, Report } from "./invariants/report.ts";
import { checkRows } from "./invariants/rows.ts";
import { letterName, Model, type ModelRun } from "./model.ts";
import { difference, same } from "./same.ts";

/** What a witness asks its world. */
export interface Surroundings {
  readonly store: Store;
  readonly report: Report;
  now(): number;
  owner(name: string): Actor | undefined;
  readonly staleMs: number;
  readonly maxDeliveries: number;
  readonly subscribers: readonly SubscriberRule[];
  /** Told of each committed entry, before the invariants are asked. */
  committed(entry: Entry, actor: Actor): void;
}

/** See the file's head. */
export class Witness {
  readonly model = new Model();
  readonly lifecycle: Lifecycle;
  readonly deliveries: DeliveryRules;
  /** Steps of the simulation: claims, commits, deliveries. */
  readonly steps = { claims: 0, commits: 0, deliveries: 0 };
  readonly #leases: LeaseRules;
  readonly #world: Surroundings;
  readonly #touched = new Set<string>();
  /** Who last wrote a blob of a run that was purged before. */
  readonly #latePuts = new Map<string, Actor>();

  constructor(world: Surroundings) {
    this.#world = world;
    this.lifecycle = new Lifecycle(world.report);
    this.#leases = new LeaseRules(world.report, world);
    this.deliveries = new DeliveryRules(world.report, this.model, world.subscribers, world.maxDeliveries);
  }

  /** The store did something for a process. */
  observe(actor: Actor, call: StoreCall, result: unknown): void {
    switch (call.method) {
      case "commit":
        for (const [index, entry] of call.entries.entries()) {
          const verdict = (result as readonly Verdict[])[index];
          this.#touched.add(entry.runId);
          if (verdict?.status === "committed") this.#commit(entry, verdict, actor);
        }
        return;
      case "claim":
        return this.#claim(result as Awaited<ReturnType<JobTransport["claim"]>>);
      case "heartbeat":
        return this.#heartbeat(call.leases, (result as { lost: readonly LeaseRef[] }).lost);
      case "release":
        return this.#release(call.leases);
      case "blob.put":
        if (this.model.purged.has(call.key.runId)) this.#latePuts.set(call.key.runId, actor);
        return;
      case "register":
      case "unregister":
        this.model.registry = result as Registry;
        return;
      default:
    }
  }

  #commit(entry: Entry, verdict: Extract<Verdict, { status: "committed" }>, actor: Actor): void {
    const { model } = this;
    const { report } = this.#world;
    this.steps.commits += 1;
    const now = this.#world.now();
    if (verdict.at !== now)
      report("time", `entry ${entry.id} was committed at ${verdict.at}, and it is ${now}`);
    this.#guards(entry);
    const applied = model.apply(entry, verdict);
    this.#world.committed(entry, actor);
    const { after } = applied;
    if (after !== null) {
      const { version, sequence, remaining, active } = after.head;
      const { at, status, ...told } = verdict;
      const wanted = { version, sequence, remaining, active };
      if (!same(told, wanted)) report("verdicts", `entry ${entry.id}: ${difference(told, wanted)}`);
    }
    this.lifecycle.check(entry, applied);
    const graph = this.graphOf(applied.after ?? applied.before);
    if (graph === undefined) return;
    this.#leases.check(entry, applied, graph, actor, now);
    this.deliveries.check(entry, applied);
    if (after !== null) checkRows(after, graph, report);
  }

  /** The store committed: so every guard must have held. */
  #guards({ id, guards, create, runId, key }: Entry): void {
    const { model } = this;
    const { report } = this.#world;
    const run = model.runs.get(runId);
    const fallen = (guard: string, wanted: unknown, found: unknown): void => {
      if (wanted !== undefined && wanted !== found) {
        report(
          "guards",
          `entry ${id} was committed on run ${runId} though its guard ${guard} is ${JSON.stringify(wanted)}, and it was ${JSON.stringify(found)}`,
        );
      }
    };
    if ((create !== undefined || guards.gone === true) === (run !== undefined)) {
      report(
        "guards",
        `entry ${id} was committed on run ${runId}, which was ${run === undefined ? "not " : ""}there`,
      );
    }
    fallen("version", guards.version, run?.head.version);
    fallen("epoch", guards.epoch, run?.head.epoch);
    fallen("remaining", guards.remaining, run?.head.remaining);
    fallen("active", guards.active, run?.head.active);
    fallen("registry", guards.registry, model.registry.version);
    for (const { stageId, token, attempt, leaseUntil } of guards.jobs ?? []) {
      const job = run?.jobs.get(stageId);
      fallen(`token of ${stageId}`, token, job?.token);
      fallen(`attempt of ${stageId}`, attempt, job?.attempt);
      fallen(`lease of ${stageId}`, leaseUntil, job?.leaseUntil);
    }
    for (const { subscriber, token } of guards.cursors ?? []) {
      fallen(`cursor of ${subscriber}`, token, run?.head.cursors[subscriber]?.token ?? 0);
    }
    if (key !== undefined) {
      fallen("key", key.expect, model.key(key.put.type, key.put.key, this.#world.now())?.entry ?? null);
    }
  }

  #claim({ claimed, now }: Awaited<ReturnType<JobTransport["claim"]>>): void {
    for (const one of claimed) {
      this.steps.claims += 1;
      this.#leases.claimed(this.#job(one.job), one, now);
      this.model.putJob(one.job);
      this.#touched.add(one.job.runId);
    }
  }

  #heartbeat(leases: readonly LeaseRef[], lost: readonly LeaseRef[]): void {
    for (const ref of leases) {
      const job = this.#job(ref);
      const held =
        job !== undefined && job.worker !== null && job.token === ref.token && job.epoch === ref.epoch;
      const told = lost.some(
        (one) =>
          one.runId === ref.runId &&
          one.stageId === ref.stageId &&
          one.epoch === ref.epoch &&
          one.token === ref.token,
      );
      if (held === told) {
        this.#world.report(
          "heartbeats",
          `${ref.stageId} of run ${ref.runId}, token ${ref.token}, is ${held ? "" : "not "}held and was said to be ${told ? "lost" : "held"}`,
        );
      }
      this.#touched.add(ref.runId);
    }
  }

  #release(leases: readonly LeaseRef[]): void {
    for (const ref of leases) {
      const job = this.#job(ref);
      this.#touched.add(ref.runId);
      if (job === undefined || job.worker === null || job.token !== ref.token || job.epoch !== ref.epoch)
        continue;
      const free = { worker: null, leaseUntil: 0, renewedAt: 0, started: false, token: job.token + 1 };
      this.model.putJob({ ...job, ...free, dueAt: this.#world.now() });
    }
  }

  #job({ runId, stageId }: Pick<Job, "runId" | "stageId">): Job | undefined {
    return this.model.runs.get(runId)?.jobs.get(stageId);
  }

  /** The graph of a run. */
  graphOf(run: ModelRun | null | undefined): Graph | undefined {
    return run ? this.model.graphs.get(run.head.graph) : undefined;
  }

  /** Compares the runs that were touched since with what the store holds. */
  async verify(): Promise<void> {
    if (this.#touched.size === 0) return;
    const touched = [...this.#touched];
    this.#touched.clear();
    for (const runId of touched) await this.#compare(runId);
  }

  async #compare(runId: string): Promise<void> {
    const { store, report } = this.#world;
    const run = this.model.runs.get(runId);
    const found = await store.run(runId);
    if (run === undefined || found === null) {
      if ((run === undefined) !== (found === null)) {
        report("rows", `run ${runId} is ${found === null ? "missing from" : "left in"} the store`);
      }
      return;
    }
    const jobs = new Map(run.jobs);
    for (const job of found.jobs) {
      // A heartbeat moves nothing else; when it came is the store's to say.
      const known = jobs.get(job.stageId);
      if (known !== undefined && known.token === job.token && job.worker !== null) {
        jobs.set(job.stageId, { ...known, leaseUntil: job.leaseUntil, renewedAt: job.renewedAt });
      }
    }
    this.model.runs.set(runId, { ...run, jobs });
    this.#rows(runId, "head", run.head, found.run);
    this.#rows(runId, "body", run.body, found.body);
    this.#table(runId, "jobs", jobs, found.jobs, (job) => job.stageId);
    this.#table(runId, "stages", run.stages, found.stages, (stage) => stage.stageId);
    this.#table(runId, "letters", run.letters, found.letters, letterName);
    this.#table(runId, "signals", run.signals, found.signals, (signal) => signal.id);
  }

  #table<Row>(
    runId: string,
    table: string,
    wanted: ReadonlyMap<string, Row>,
    found: readonly Row[],
    nameOf: (row: Row) => string,
  ): void {
    const rows = new Map(found.map((row) => [nameOf(row), row]));
    for (const name of new Set([...wanted.keys(), ...rows.keys()])) {
      this.#rows(runId, `${table} ${name}`, wanted.get(name) ?? null, rows.get(name) ?? null);
    }
  }

  #rows(runId: string, what: string, wanted: unknown, found: unknown): void {
    if (!same(wanted, found)) {
      this.#world.report("rows", `${what} of run ${runId} (model, store): ${difference(wanted, found)}`);
    }
  }

  /** At the end: everything that the store holds is what was committed, and nothing else. */
  async finish(): Promise<void> {
    const { store, report } = this.#world;
    for (const [runId, journal] of this.model.journals) {
      const run = this.model.runs.get(runId);
      this.deliveries.finish(runId);
      await this.#compare(runId);
      const events = await store.events({ run: runId });
      if (!same(events, run === undefined ? [] : journal)) {
        report(
          "journal",
          `the journal of run ${runId} is not what was committed: ${difference(journal, events)}`,
        );
      }
      const past = await store.past(runId);
      this.#table(runId, "past", run?.past ?? new Map(), past, (stage) => `${stage.epoch}/${stage.stageId}`);
      await this.#blobs(runId, run);
    }
  }

  async #blobs(runId: string, run: ModelRun | undefined): Promise<void> {
    const { store, report } = this.#world;
    const kept = await store.blobs.list(runId);
    if (run === undefined) {
      // Who writes for a run that is gone takes it back, unless it dies before it hears.
      if (kept.length > 0 && !this.#latePuts.get(runId)?.crashed)
        report("purge", `run ${runId} was purged and left ${kept.length} blobs: ${JSON.stringify(kept[0])}`);
      if ((await store.logs({ runId })).length > 0)
        report("purge", `run ${runId} was purged and left its log`);
      if ((await store.letters({ runId })).length > 0)
        report("purge", `run ${runId} was purged and left dead letters`);
      return;
    }
    const payloads = [run.body?.input, run.body?.config];
    for (const stage of run.stages.values())
      payloads.push(stage.output ?? undefined, stage.state ?? undefined);
    for (const payload of payloads) {
      const keys = [
        ...(payload?.kind === "blob" ? [payload.key] : []),
        ...(payload?.blobs ?? []).map(({ key }) => key),
      ];
      for (const key of keys) {
        if (!kept.some((one) => same(one, key)))
          report("blobs", `run ${runId} points to a blob that is not there: ${JSON.stringify(key)}`);
      }
    }
  }
}
