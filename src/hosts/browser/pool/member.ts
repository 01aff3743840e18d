/** One stage worker as its pool sees it: what it executes, and whether its thread still answers. */
import { StageTimeoutError, StoppedError } from "../../../errors.ts";
import type { Clock } from "../../../ports/clock.ts";
import { handlerOf } from "../../../ports/executor.ts";
import { type Message, Peer } from "../../remote/peer.ts";
import { ComlinkLink, type Port } from "./comlink-link.ts";
import { failedBy, type Loss, type RemoteExecution, RemoteExecutor } from "./remote-executor.ts";

/** How often a pool looks after its workers while something is under way, in milliseconds. */
export const WATCH_MS = 100;

/** What follows is counted in looks, not by the clock: a machine that slept has not waited. */
const looks = (ms: number): number => Math.ceil(ms / WATCH_MS);

/** A task that was not taken for so long goes to another worker. */
const MOVE = looks(1000);

/** So long after its limit an attempt whose thread hasn't ended it is fenced: the thread is blocked. */
const FENCE = looks(500);

/** So long after it was told to stop, code that is still there costs its worker. */
const PATIENCE = looks(5000);

/** See the file's head. */
export class Member {
  readonly id: string;
  readonly remote: RemoteExecutor;
  readonly #clock: Clock;
  readonly #peer: Peer;
  readonly #link: ComlinkLink;
  /** Whether it doesn't take what it is sent. */
  isStalled = false;
  /** Whether it holds code that ignored that it was told to stop. */
  isRetiring = false;

  constructor(id: string, port: Port, clock: Clock, onOffer: () => void) {
    this.id = id;
    this.#clock = clock;
    const caller: Pick<Peer, "call" | "tell"> = {
      call: (method, args) => this.#peer.call(method, args),
      tell: (method, args) => this.#peer.tell(method, args),
    };
    this.remote = new RemoteExecutor(caller, { clock, onOffer });
    this.#peer = new Peer({ clock, handlers: this.remote.answers, name: `stage worker ${id}` });
    this.#link = new ComlinkLink(port, (batch) => this.#delivered(batch));
    this.#peer.attach(this.#link);
  }

  /** Where to send the next task: to the lowest. */
  get rank(): number {
    return this.remote.executions.size + (this.isStalled || this.isRetiring ? 1_000_000 : 0);
  }

  call(method: string, args: readonly unknown[]): Promise<unknown> {
    return this.#peer.call(method, args);
  }

  /**
   * Looks after what is under way.
   *
   * @param canMove whether another worker would take a task
   * @returns whether the worker must be ended
   */
  watch(canMove: (handler: string) => boolean): boolean {
    let live = 0;
    this.isStalled = false;
    this.isRetiring = false;
    for (const execution of this.remote.executions.values()) {
      if (!execution.isSettled) live += 1;
      if (!execution.isDelivered) {
        this.isStalled ||= execution.strikes > 0;
        execution.strikes += 1;
        const { workflowId, stage } = execution.task;
        // Its code has not begun, so it is given back rather than waited for: the lease goes to who has a free thread.
        if (execution.strikes >= MOVE && canMove(handlerOf(workflowId, stage.id)))
          execution.abort("draining");
      } else if (execution.isSettled || this.#isOverdue(execution)) {
        execution.strikes += 1;
        if (!execution.isSettled && execution.strikes >= FENCE) return true;
        if (execution.isSettled && execution.strikes >= PATIENCE) {
          if (!execution.isAnswered) return true;
          this.isRetiring = true;
        }
      }
    }
    // Its thread answers, so those beside the code that doesn't stop are let come to their end first.
    return this.isRetiring && live === 0;
  }

  /** Its thread is blocked: what overran its limit fails. */
  fence(): void {
    for (const execution of this.remote.executions.values()) {
      if (!execution.isSettled && this.#isOverdue(execution)) {
        const error = new StageTimeoutError(execution.task.stage.id, execution.limitMs ?? 0);
        execution.settle(failedBy(error, true));
      }
    }
  }

  /** It is gone, or is not to be used any more. */
  close(loss: Loss): void {
    this.remote.end(loss);
    this.#peer.close(new StoppedError(`stage worker ${this.id}`));
    this.#link.close();
  }

  #isOverdue({ begunAt, limitMs }: RemoteExecution): boolean {
    return begunAt !== null && limitMs !== null && this.#clock.now() - begunAt > limitMs;
  }

  #delivered(batch: readonly Message[]): void {
    for (const message of batch) {
      if (!("method" in message) || (message.method !== "execute" && message.method !== "check")) continue;
      const execution = this.remote.executions.get(message.args[0] as number);
      if (execution === undefined) continue;
      execution.isDelivered = true;
      execution.strikes = 0;
    }
  }
}
