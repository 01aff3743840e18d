/** One simulated world: processes on one store in virtual time, clients that send commands, faults that befall them, and who watches. */
import type { Event } from "../../model.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Entry, Store } from "../../ports/store.ts";
import { type StoreCall, WriteFaults } from "../crashing-store.ts";
import { Clients } from "./clients.ts";
import { Coverage, type Fault, FaultPlan, PAIRS } from "./faults.ts";
import type { Actor, Violation } from "./invariants/report.ts";
import { Ledger } from "./ledger.ts";
import type { Model } from "./model.ts";
import { Executions } from "./probe.ts";
import { Process } from "./process.ts";
import { Random } from "./random.ts";
import { Scheduler } from "./scheduler.ts";
import { type Settings, settingsOf } from "./settings.ts";
import { Trace } from "./trace.ts";
import { Witness } from "./witness.ts";
import { workflowOf } from "./workload/bodies.ts";
import { Sinks, SUBSCRIBERS } from "./workload/sinks.ts";
import { type WorkflowSpec, workflowSpec } from "./workload/spec.ts";

/** Makes the store that a world runs on: in memory, empty, on this clock, interrupted by these faults. */
export type StoreFactory = (options: { readonly clock: Clock; readonly faults: WriteFaults }) => Store;

/** What {@link World} takes. */
export interface WorldOptions {
  readonly seed: number;
  readonly store: StoreFactory;
  /** Settings that differ from what the seed gives. */
  readonly settings?: Partial<Settings>;
  /** Told every line of the trace. */
  readonly listener?: (line: string) => void;
}

/** Faults that a pair was listed for, by phase. */
const LISTED = new Set(PAIRS.map(({ phase, fault }) => `${phase}|${fault}`));

/** See the file's head. */
export class World {
  readonly seed: number;
  readonly random: Random;
  readonly settings: Settings;
  readonly scheduler: Scheduler;
  readonly trace: Trace;
  readonly coverage = new Coverage();
  readonly store: Store;
  readonly writes = new WriteFaults();
  readonly witness: Witness;
  readonly ledger: Ledger;
  readonly executions: Executions;
  readonly sinks: Sinks;
  readonly specs: readonly WorkflowSpec[];
  readonly clients: Clients;
  readonly processes: Process[] = [];
  readonly violations: Violation[] = [];
  readonly #plan: FaultPlan;
  readonly #start: number;
  readonly #reportedDead = new Set<string>();
  #falselyDead: Process | null = null;
  #stormy = true;
  #runs = 0;

  constructor({ seed, store, settings, listener }: WorldOptions) {
    this.seed = seed;
    this.random = new Random(seed);
    this.settings = { ...settingsOf(seed, this.random), ...settings };
    this.scheduler = new Scheduler(this.random.branch());
    this.#start = this.scheduler.now;
    this.trace = new Trace(80, listener);
    this.store = store({ clock: this.scheduler.clock, faults: this.writes });
    this.specs = Array.from({ length: this.random.between(2, 4) }, (_, index) =>
      workflowSpec(this.random, `w${index}`, index === 0),
    );
    const stages = this.specs.flatMap(({ groups }) => groups.flat());
    this.executions = new Executions(this, new Map(stages.map((stage) => [stage.id, stage])));
    this.sinks = new Sinks(this);
    const { policy } = this.settings;
    this.witness = new Witness({
      store: this.store,
      report: this.report,
      now: () => this.scheduler.now,
      owner: (name) => this.owner(name),
      staleMs: policy.leaseMs,
      maxDeliveries: policy.maxDeliveries,
      subscribers: SUBSCRIBERS,
      committed: (entry, actor) => this.#committed(entry, actor),
    });
    this.ledger = new Ledger(this.report, this.witness, () => this.scheduler.now, policy.keyRetentionMs);
    this.#plan = new FaultPlan(this.settings.faults, this.random.branch());
    this.clients = new Clients(this);
  }

  get model(): Model {
    return this.witness.model;
  }

  /** Whether faults still befall the engine. */
  get stormy(): boolean {
    return this.#stormy;
  }

  /** Virtual milliseconds since the world began. */
  get elapsed(): number {
    return this.scheduler.now - this.#start;
  }

  /** Notes a broken promise. */
  readonly report = (rule: string, message: string): void => {
    this.violations.push({ rule, message });
    this.note("VIOLATION", `${rule}: ${message}`);
  };

  /** Writes a line into the trace. */
  note(who: string, what: string): void {
    this.trace.note(`${this.elapsed} ${who}: ${what}`);
  }

  /** Opens one gate or timer and checks everything that it changed. */
  async step(): Promise<void> {
    const opened = await this.scheduler.step();
    if (opened === null) {
      this.report("liveness", "nothing is waiting for anything");
      return;
    }
    this.note(opened.lane, opened.label);
    await this.witness.verify();
  }

  /** The storm is over: nothing more befalls the engine. */
  calm(): void {
    this.note("world", "calm");
    this.#stormy = false;
    this.#plan.clear();
    for (const process of this.processes) process.wake();
  }

  /** Starts a process. */
  spawn(name: string, worker: boolean, lacksManual: boolean): Process {
    const manual = new Set(this.specs.filter((spec) => spec.manual).map(({ id }) => id));
    const process = new Process(this, {
      name,
      worker,
      workflows: (self) => this.specs.map((spec) => workflowOf(spec, this.executions.probeOf(self))),
      lacks: (workflowId) => lacksManual && manual.has(workflowId),
      sink: (self) => this.sinks.sinkOf(self),
    });
    this.processes.push(process);
    process.pump?.start();
    return process;
  }

  /** The process that leases under a name, living or not. */
  owner(name: string): Process | undefined {
    return this.processes.find(({ names }) => names.includes(name));
  }

  /** A process came to its end. Whether the platform tells is chance. */
  crashed(process: Process): void {
    if (this.random.chance(0.5)) for (const name of process.names) this.#reportedDead.add(name);
    this.clients.lost(process);
  }

  /** The next question after the dead names a living worker among them. */
  reportFalseDeath(): void {
    const living = this.processes.filter((process) => !process.crashed && process.pump !== null);
    if (living.length > 0) this.#falselyDead = this.random.pick(living);
  }

  /** Whether the platform says that a worker is dead. */
  isReportedDead(worker: string): boolean {
    if (this.#falselyDead?.names.includes(worker)) {
      this.#falselyDead.troubled();
      this.note(this.#falselyDead.name, "is falsely reported dead");
      this.#falselyDead = null;
      return true;
    }
    return this.#reportedDead.has(worker);
  }

  /** What befalls these phases of a process now, if anything. */
  strike(process: Process, phases: readonly string[]): Fault | null {
    if (!this.#stormy) return null;
    const fault = this.#plan.strike(phases);
    if (fault === null) return null;
    this.note(process.name, `${fault} in ${phases.join(" + ")}`);
    this.#count(phases, fault, 1);
    return fault;
  }

  /** A transaction had fewer writes than the fault waited for. */
  missed(phases: readonly string[], fault: Fault): void {
    this.#count(phases, fault, -1);
    if (this.#stormy) this.#plan.again(phases, fault);
  }

  #count(phases: readonly string[], fault: Fault, by: number): void {
    for (const phase of phases) if (LISTED.has(`${phase}|${fault}`)) this.coverage.met(phase, fault, by);
  }

  /** How long a message takes: mostly no time at all, so that everything interleaves; sometimes long enough to be overtaken. */
  latency(): number {
    const { random } = this;
    const draw = random.next();
    return draw < 0.75 ? 0 : draw < 0.95 ? random.between(1, 5) : random.between(10, 150);
  }

  /** Whether a hint of the change feed is lost. */
  losesFeed(): boolean {
    return this.#stormy && this.random.chance(0.03);
  }

  nextRunId(): string {
    this.#runs += 1;
    return `r${this.#runs}`;
  }

  /** The store did something for a process. */
  observe(process: Process, call: StoreCall, result: unknown): void {
    this.witness.observe(process, call, result);
  }

  /** A subscriber is being given an event. */
  delivering(process: Process, subscriber: string, event: Event): (took: boolean) => void {
    this.witness.steps.deliveries += 1;
    this.note(process.name, `gives ${event.id} ${event.type} to ${subscriber}`);
    return this.witness.deliveries.begin(subscriber, event, process, this.scheduler.now);
  }

  /** Cancels or reruns a run while one of its bodies is under way. */
  meddle(how: "cancel" | "rerun", runId: string, stageId: string, executing: Process): void {
    this.clients.meddle(how, runId, stageId, executing);
  }

  #committed(entry: Entry, actor: Actor): void {
    this.ledger.committed(entry, actor as Process);
    this.executions.committed(entry);
    this.trace.aside(() => `    ${JSON.stringify(entry)}`);
  }
}
