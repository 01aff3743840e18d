import { DefinitionError, describe } from "../errors.ts";
import type { Event, EventType } from "../model.ts";
import type { Subscriber } from "../ports/event-sink.ts";
import { checkId } from "./rules.ts";

/** An event of one type, with its payload. */
export type EventOf<Type extends EventType> = Extract<Event, { readonly type: Type }>;

/** Functions by event type. */
export type PluginHandlers = {
  readonly [Type in EventType]?: ((event: EventOf<Type>) => void | Promise<void>) | undefined;
};

/** A named set of event handlers. Its name keeps its place in each run's events: another name starts anew. */
export interface Plugin {
  /** 1 to 128 of `A-Z a-z 0-9 . _ : -`. */
  readonly name: string;
  /**
   * Called in order for each run, at least once for each event; an error is a failed delivery, which is tried again. Deduplicate by `event.id`.
   */
  readonly handlers: PluginHandlers;
}

/** Every event type, for untyped code. The compiler checks that none is missing. */
const known: Readonly<Record<EventType, true>> = {
  "workflow:created": true,
  "workflow:started": true,
  "workflow:suspended": true,
  "workflow:completed": true,
  "workflow:failed": true,
  "workflow:cancelled": true,
  "stage:started": true,
  "stage:progress": true,
  "stage:suspended": true,
  "stage:completed": true,
  "stage:failed": true,
  "stage:retrying": true,
  "stage:skipped": true,
  "lease:reaped": true,
  "annotation:created": true,
};

/**
 * Defines a plugin.
 *
 * @example
 * const mailer = definePlugin({
 *   name: "mailer",
 *   handlers: {
 *     "workflow:failed": async (event) => mail(event.workflowRunId, event.payload.error.message),
 *   },
 * });
 *
 * @throws DefinitionError for an event that there isn't, a handler that is no function, or a name that can't be
 */
export function definePlugin(plugin: Plugin): Plugin {
  if (typeof plugin !== "object" || plugin === null) {
    throw new DefinitionError(`definePlugin takes an object, got ${describe(plugin)}`);
  }
  const { name, handlers } = plugin;
  checkId(name, "a plugin's name");
  const where = `plugin ${JSON.stringify(name)}`;
  if (typeof handlers !== "object" || handlers === null) {
    throw new DefinitionError(
      `${where}: handlers must be an object of functions by event, got ${describe(handlers)}`,
    );
  }
  for (const [type, handler] of Object.entries(handlers)) {
    if (!Object.hasOwn(known, type)) {
      throw new DefinitionError(
        `${where}: there is no event ${JSON.stringify(type)}; expected one of ${Object.keys(known).join(", ")}`,
      );
    }
    if (handler !== undefined && typeof handler !== "function") {
      throw new DefinitionError(
        `${where}: the handler of ${type} must be a function, got ${describe(handler)}`,
      );
    }
  }
  return Object.freeze({ name, handlers: Object.freeze({ ...handlers }) });
}

/** The plugin as a receiver of the events that it has handlers for. */
export function toSubscriber(plugin: Plugin): Subscriber {
  const handlers = new Map<string, (event: Event) => void | Promise<void>>();
  const types = new Set<EventType>();
  for (const type of Object.keys(known) as EventType[]) {
    const handler = plugin.handlers[type];
    if (handler === undefined) continue;
    types.add(type);
    // A handler is found by its event's type, so it gets the events that it is typed for.
    handlers.set(type, handler as (event: Event) => void | Promise<void>);
  }
  return { name: plugin.name, types, handle: (event) => handlers.get(event.type)?.(event) };
}
