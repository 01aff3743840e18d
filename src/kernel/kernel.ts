/**
 * The kernel: `dispatch` takes a command to its decision, and the decision to the store. Everything that a command may do is in its file under
 * `commands/`; what stands here and beside it is the way from one to the other.
 */
import type { Job } from "../model.ts";
import { payloadHash } from "./hash.ts";
import type { RegisteredWorkflow } from "../ports/registry.ts";
import type { Claimed, Committed, Entry } from "../ports/store.ts";
import type { Command, ExecuteResult, JobExecute, Results, RunCreate, RunSignal } from "./api.ts";
import { decideCancel, scopeCancel } from "./commands/run-cancel.ts";
import { decideClaimPending, scopeClaimPending } from "./commands/run-claim-pending.ts";
import { decideReapStuck, scopeReapStuck } from "./commands/run-reap-stuck.ts";
import { decideRerun, scopeRerun } from "./commands/run-rerun-from.ts";
import { decideSignal, scopeSignal } from "./commands/run-signal.ts";
import { decideTransition, scopeTransition } from "./commands/run-transition.ts";
import { decideReplay, scopeReplay } from "./commands/plugin-replay-dlq.ts";
import { Core, type KernelPorts } from "./core.ts";
import { createRun, encodeOwn } from "./create.ts";
import { type Decisions, isUndelivered, type LeaseGrant, stateOf } from "./decision.ts";
import { Eager } from "./eager.ts";
import { executeJob } from "./execute.ts";
import { nextOf } from "./follow.ts";
import { forkRun } from "./fork.ts";
import { flush } from "./outbox.ts";
import { pollSuspended, purge, reapStale } from "./sweep.ts";
import { validate } from "./validate.ts";

/** What a host asks of the kernel beyond commands: the same commands, with the leases that a host's pump needs. */
export interface HostPort {
  /** From now on events are delivered as they are committed, without waiting for `outbox.flush`. */
  deliverEagerly(): void;
  /** Whether a run's events are delivered as they are committed: then no flush is needed for them. */
  delivers(runId: string): boolean;
  /**
   * `run.create`, leased and started at once where there is room.
   * @param workflow what it is made by, where the registry doesn't know it, or knows another of that id
   */
  start(
    command: RunCreate,
    lease: LeaseGrant | null,
    workflow?: RegisteredWorkflow,
  ): Promise<{ result: Results["run.create"]; next: readonly Job[] }>;
  /** Leases due jobs of those that there is code for. */
  claim(request: {
    workerId: string;
    limit: number;
    handlers?: ReadonlySet<string>;
  }): Promise<{ jobs: readonly Job[]; nextDueAt: number | null }>;
  /** `run.claimPending`, with the first jobs leased and started. */
  claimPending(
    workerId: string,
    maxClaims: number,
    slots: number,
    handlers?: ReadonlySet<string>,
  ): Promise<{ claimed: number; next: readonly Job[] }>;
  /** `job.execute` with `advance` of a leased job; answers the jobs that the finish leased to the same worker. */
  execute(
    job: Job,
    slots: number,
    handlers?: ReadonlySet<string>,
  ): Promise<{ result: ExecuteResult; next: readonly Job[] }>;
  /** When the next suspended stage wants to be asked. */
  nextCheckAt(): Promise<number | null>;
  /** Writes delivery cursors that have waited for an entry to ride on. */
  tidy(): Promise<void>;
  /** Tells what is executed here to stop. Draining gives the leases back uncounted. */
  abort(workerId: string): void;
  /** Waits for deliveries under way, gives cursors and leases back. */
  stop(): Promise<void>;
  /** Calls back for every committed entry; the answer ends it. */
  onCommitted(listener: (entry: Entry, committed: Committed) => void): () => void;
  /** Asks at once whether the leases that are executed here for a run are still held: another may have cancelled or rerun it. */
  recheck(runId: string): void;
}

/** Dispatches commands. Made by `createKernel`. */
export class Kernel {
  readonly #core: Core;
  readonly #eager: Eager;
  #delivering = false;

  constructor(ports: KernelPorts) {
    this.#core = new Core(ports);
    this.#eager = new Eager(this.#core);
  }

  /** The ports it was made with. */
  get ports(): KernelPorts {
    return this.#core.ports;
  }

  /**
   * Carries out a command. Its rows, events, idempotency record and jobs are committed together or not at all.
   *
   * @throws SluiceError with a stable `code`; nothing was changed then
   * @example
   * const { workflowRunId } = await kernel.dispatch({
   *   type: "run.create", workflowId: "doc-processor", input: { file }, idempotencyKey: "upload-7",
   * });
   */
  async dispatch<C extends Command>(command: C): Promise<Results[C["type"]]> {
    validate(command);
    return (await this.#dispatch(command)) as Results[C["type"]];
  }

  async #dispatch(command: Command): Promise<Results[Command["type"]]> {
    const core = this.#core;
    switch (command.type) {
      case "run.create":
        return (await createRun(core, command, { lease: null, eager: this.#delivering })).result;
      case "job.execute":
        return (await executeJob(core, command)).result;
      case "run.claimPending": {
        const workflows = core.ports.registry.ids();
        const loaded = await core.ports.store.load(scopeClaimPending(command, workflows));
        return this.#commitAll(decideClaimPending(loaded, await core.given()));
      }
      case "run.transition":
        return core.transact(command.type, command.workflowRunId, scopeTransition(command), (loaded, given) =>
          decideTransition(command, loaded, given),
        );
      case "run.cancel":
        return core.transact(
          command.type,
          command.workflowRunId,
          scopeCancel(command),
          (loaded, given) => decideCancel(command, loaded, given),
          {
            onCommitted: ({ runId, state }) => core.leases.abortRun(runId, state?.epoch ?? 0, "cancelled"),
          },
        );
      case "run.rerunFrom": {
        const key = command.idempotencyKey;
        const hash =
          key === undefined
            ? ""
            : await payloadHash({
                workflowRunId: command.workflowRunId,
                fromStageId: command.fromStageId,
                force: command.force,
              });
        return core.alone(command.type, key, () =>
          core.transact(
            command.type,
            command.workflowRunId,
            scopeRerun(command),
            (loaded, given) => decideRerun(command, hash, loaded, given),
            {
              onKey: (record) => core.replay<Results["run.rerunFrom"]>(record, hash),
              onCommitted: ({ runId, state }) =>
                core.leases.abortRun(runId, (state?.epoch ?? 1) - 1, "lease-lost"),
            },
          ),
        );
      }
      case "run.fork":
        return core.alone(command.type, command.idempotencyKey, () => forkRun(core, command));
      case "run.signal":
        return core.alone(command.type, command.idempotencyKey, () => this.#signal(command));
      case "run.reapStuck": {
        const loaded = await core.ports.store.load(scopeReapStuck(command));
        return this.#commitAll(decideReapStuck(loaded, await core.given()));
      }
      case "run.purge":
        return purge(core, command);
      case "stage.pollSuspended":
        return pollSuspended(core, command.maxChecks ?? 100);
      case "lease.reapStale":
        return reapStale(core, command);
      case "outbox.flush":
        return {
          published: await flush(core, command.maxEvents ?? 1000, (runId) => this.#eager.holds(runId)),
        };
      case "plugin.replayDLQ": {
        const loaded = await core.ports.store.load(scopeReplay(command));
        return this.#commitAll(decideReplay(loaded, await core.given()));
      }
    }
  }

  /** Forgets a subscriber: what it was not given is no longer owed, and no longer keeps runs from being purged. */
  async unsubscribe(name: string): Promise<void> {
    const core = this.#core;
    await core.ports.store.unregister(name);
    let cursor: string | undefined;
    do {
      const page = await core.ports.store.runs({
        status: ["COMPLETED", "FAILED", "CANCELLED"],
        limit: 500,
        ...(cursor === undefined ? {} : { cursor }),
      });
      const given = await core.given();
      const registry = await core.registry(true);
      const owed = page.rows.filter((run) => !run.delivered && !isUndelivered(run, registry, run.sequence));
      await this.#commitAll({
        entries: owed.map((run, index) => ({
          id: `${given.entry}.${index}`,
          runId: run.id,
          command: "outbox.flush",
          guards: { version: run.version, registry: registry.version },
          state: stateOf(run, { delivered: true }),
          events: [],
        })),
        result: () => undefined,
      });
      cursor = page.next ?? undefined;
    } while (cursor !== undefined);
  }

  async #commitAll<R>({ entries, result }: Decisions<R>): Promise<R> {
    return result(await this.#core.commitAll(entries));
  }

  async #signal(command: RunSignal): Promise<Results["run.signal"]> {
    const core = this.#core;
    const { workflowRunId, name } = command;
    const blobName = `signal.${core.ports.ids.entryId()}`;
    const { payload, blobs } = encodeOwn(command.payload, workflowRunId, "payload", blobName);
    const hash = await payloadHash({ workflowRunId, name, payload: command.payload });
    const scope = scopeSignal(command);
    if (blobs.length > 0) {
      // What is going to be refused, or was done before, leaves no blob behind: nobody would find it again.
      const loaded = await core.ports.store.load(scope);
      if (loaded.key !== null) return core.replay<Results["run.signal"]>(loaded.key, hash);
      decideSignal(command, payload, hash, loaded, await core.given());
      for (const blob of blobs) await core.ports.blobs.put(blob.key, blob.data);
    }
    return core.transact(
      command.type,
      command.workflowRunId,
      scope,
      (loaded, given) => decideSignal(command, payload, hash, loaded, given),
      { onKey: (record) => core.replay<Results["run.signal"]>(record, hash) },
    );
  }

  /** What hosts drive it by. */
  readonly host: HostPort = {
    deliverEagerly: () => {
      this.#delivering = true;
    },
    delivers: (runId) => this.#eager.holds(runId),
    start: (command, lease, workflow) => {
      validate(command);
      return createRun(this.#core, command, { lease, eager: this.#delivering, workflow });
    },
    claim: async ({ workerId, limit, handlers = this.ports.executor.handlers }) => {
      const { claimed, nextDueAt } = await this.#core.ports.store.jobs.claim({
        workerId,
        handlers,
        kinds: ["execute"],
        limit,
        leaseFor: this.#core.ports.policy.leaseMs,
      });
      for (const one of claimed) this.#remember(one);
      return { jobs: claimed.map(({ job }) => job), nextDueAt };
    },
    claimPending: async (workerId, maxClaims, slots, handlers) => {
      const core = this.#core;
      const command = { type: "run.claimPending", workerId, maxClaims } as const;
      const loaded = await core.ports.store.load(scopeClaimPending(command, core.ports.registry.ids()));
      for (const { run, graph } of loaded.runs) if (graph !== null) core.warm.set(run, core.intern(graph));
      const { entries } = decideClaimPending(loaded, await core.given({ workerId, slots, handlers }));
      const verdicts = await core.commitAll(entries);
      const next: Job[] = [];
      let claimed = 0;
      for (const [index, entry] of entries.entries()) {
        const verdict = verdicts[index];
        if (verdict?.status !== "committed") continue;
        claimed += 1;
        next.push(...nextOf(entry, verdict));
      }
      return { claimed, next };
    },
    execute: (job, slots, handlers) => {
      const command: JobExecute = {
        type: "job.execute",
        workflowRunId: job.runId,
        workflowId: job.workflowId,
        stageId: job.stageId,
        token: job.token,
        advance: true,
      };
      return executeJob(this.#core, command, { job, grant: { slots, handlers } });
    },
    nextCheckAt: async () => {
      const { executor, policy, store, name } = this.#core.ports;
      const { nextDueAt } = await store.jobs.claim({
        workerId: name,
        handlers: executor.handlers,
        kinds: ["check", "wait"],
        limit: 0,
        leaseFor: policy.leaseMs,
      });
      return nextDueAt;
    },
    tidy: () => this.#eager.tidy(),
    abort: (workerId) => this.#core.leases.abortAll("draining", workerId),
    stop: async () => {
      this.#delivering = false;
      await this.#eager.stop();
      this.#core.leases.stop(this.ports.name);
    },
    recheck: (runId) => this.#core.leases.recheck(runId),
    onCommitted: (listener) => this.#core.onCommitted(listener),
  };

  #remember({ run }: Claimed): void {
    const graph = this.#core.graph(run.graph) ?? this.ports.registry.get(run.workflowId)?.graph;
    if (graph !== undefined && graph.hash === run.graph) this.#core.warm.set(run, this.#core.intern(graph));
  }
}
