/** Who sends commands, keeps processes alive, and, when the storm is over, sees to it that nothing waits for somebody who never comes. */
import type { Command, Results } from "../../kernel/api.ts";
import { isSettled } from "../../model.ts";
import { commandOf } from "./commands.ts";
import type { Process } from "./process.ts";
import type { Lane } from "./scheduler.ts";
import type { World } from "./world.ts";

/** How many commands with keys are remembered, to be sent again. */
const REMEMBERED = 30;

/** How long a run may go on by itself in the calm before somebody looks after it, in milliseconds. */
const PATIENCE_MS = 20_000;

/** See the file's head. */
export class Clients {
  readonly #world: World;
  readonly #lane: Lane;
  readonly #remembered: Command[] = [];
  #spawned = 0;
  #isDone = false;

  constructor(world: World) {
    this.#world = world;
    this.#lane = world.scheduler.lane("clients");
  }

  /** Whether all commands were sent. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** Starts the processes and the commands. */
  start(): void {
    const { random, settings } = this.#world;
    for (let index = 0; index < settings.workers; index += 1)
      this.#spawn(true, index === 0 || random.chance(0.5));
    this.#spawn(false, false);
    void this.#send();
  }

  #spawn(worker: boolean, lacksManual: boolean): void {
    this.#spawned += 1;
    this.#world.spawn(`${worker ? "w" : "c"}${this.#spawned}`, worker, lacksManual);
  }

  /** A process is gone: another comes after a while, under another name. */
  lost(process: Process): void {
    const { random, stormy } = this.#world;
    void this.#lane.gate("another process", random.between(100, 4000)).then(() => {
      this.#spawn(process.pump !== null, stormy && random.chance(0.6));
    });
  }

  async #send(): Promise<void> {
    const { settings, random } = this.#world;
    const gap = (2 * settings.stormMs) / settings.commands;
    for (let sent = 0; sent < settings.commands; sent += 1) {
      await this.#lane.gate("next command", random.below(gap));
      // The first commands make something that the others can be about.
      if (sent < 8 || random.chance(0.18)) this.#issue(commandOf(this.#world, "run.create"));
      else this.#next();
    }
    this.#isDone = true;
  }

  #next(): void {
    const world = this.#world;
    const { random } = world;
    const [again] = random.shuffled(this.#remembered);
    if (again !== undefined && random.chance(0.12)) {
      // Repeated much later, now and then with another payload.
      const changed = random.chance(0.2) ? changedOf(again) : again;
      return this.#issue(changed);
    }
    if (random.chance(0.02)) return this.#drain();
    if (random.chance(0.015)) return world.sinks.join(world.processes.filter(({ crashed }) => !crashed));
    this.#issue(commandOf(world, null));
  }

  /** Sends a command, sometimes twice at once: through the same process, or through two. */
  #issue(command: Command | null): void {
    const { random } = this.#world;
    const living = this.#world.processes.filter(({ crashed }) => !crashed);
    if (command === null || living.length === 0) return;
    const process = random.pick(living);
    void this.#dispatch(process, command);
    if (random.chance(0.15)) void this.#dispatch(random.chance(0.5) ? process : random.pick(living), command);
    if ("idempotencyKey" in command && command.idempotencyKey !== undefined) {
      this.#remembered.push(command);
      if (this.#remembered.length > REMEMBERED) this.#remembered.shift();
    }
  }

  async #dispatch(process: Process, command: Command): Promise<void> {
    const world = this.#world;
    world.note(process.name, `is asked for ${describe(command)}`);
    const sent = world.ledger.sent(process, command);
    try {
      const { pump } = process;
      const result: Results[Command["type"]] =
        command.type === "run.create" && pump !== null && world.random.chance(0.6)
          ? await pump.startRun(command)
          : await process.kernel.dispatch(command);
      world.note(process.name, `answers ${command.type} with ${JSON.stringify(result)}`);
      world.ledger.answered(sent, result);
      if (command.type === "job.execute" && command.advance !== true && world.random.chance(0.5)) {
        this.#issue({ type: "run.transition", workflowRunId: command.workflowRunId });
      }
    } catch (error) {
      world.note(process.name, `rejects ${command.type} with ${String(error)}`);
      world.ledger.rejected(sent, error);
    }
  }

  /** A worker is told to stop, as by a deploy; another takes its place. */
  #drain(): void {
    const { random, processes } = this.#world;
    const workers = processes.filter(({ crashed, pump }) => !crashed && pump?.stats().isUp);
    const [worker] = random.shuffled(workers);
    if (worker?.pump == null) return;
    const graceMs = random.pick([0, 500, 10_000]);
    this.#world.note(worker.name, `is told to stop within ${graceMs} ms`);
    void worker.pump.stop({ graceMs });
    this.#spawn(true, random.chance(0.5));
  }

  /** Cancels, or reruns, a run under a body's feet; mostly through another process, which can't tell the body at once. */
  meddle(how: "cancel" | "rerun", runId: string, stageId: string, executing: Process): void {
    const { random, processes } = this.#world;
    const others = processes.filter((process) => !process.crashed && process !== executing);
    const process = others.length > 0 && random.chance(0.8) ? random.pick(others) : executing;
    void this.#dispatch(
      process,
      how === "cancel"
        ? { type: "run.cancel", workflowRunId: runId }
        : { type: "run.rerunFrom", workflowRunId: runId, fromStageId: stageId, force: true },
    );
  }

  /** In the calm: all code is deployed, awaited signals come or the run is cancelled, and so is what would hang for ever. */
  attend(): void {
    this.#spawn(true, false);
    void this.#look();
  }

  async #look(): Promise<void> {
    const { model, random, scheduler } = this.#world;
    for (;;) {
      await this.#lane.gate("looks after runs", 3000);
      for (const { head, jobs } of [...model.runs.values()]) {
        if (isSettled(head.status)) continue;
        const waiting = [...jobs.values()].find(({ suspended, signal }) => suspended && signal !== null);
        const hangs = [...jobs.values()].some(
          ({ started, startedAt }) => started && scheduler.now - (startedAt ?? 0) > PATIENCE_MS,
        );
        if (waiting?.signal != null && random.chance(0.7)) {
          this.#issue({ type: "run.signal", workflowRunId: head.id, name: waiting.signal, payload: null });
        } else if (hangs || (waiting !== undefined && random.chance(0.3))) {
          this.#issue({ type: "run.cancel", workflowRunId: head.id });
        }
      }
    }
  }
}

/** The same key with another payload. */
function changedOf(command: Command): Command {
  switch (command.type) {
    case "run.create":
      return { ...command, input: { changed: true } };
    case "run.signal":
      return { ...command, payload: { changed: true } };
    case "run.rerunFrom":
      return { ...command, force: command.force !== true };
    default:
      return command;
  }
}

function describe({ type, ...fields }: Command): string {
  return `${type} ${JSON.stringify(fields)}`;
}
