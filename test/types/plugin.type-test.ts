/** What plugins are given, and refused. Checked by `npm run types`; never run. */
import { expectTypeOf } from "vitest";
import { definePlugin, type EventOf } from "../../src/define/index.ts";
import type { ErrorRecord, EventType } from "../../src/model.ts";

definePlugin({
  name: "mailer",
  handlers: {
    "workflow:completed": async (event) => {
      expectTypeOf(event.type).toEqualTypeOf<"workflow:completed">();
      expectTypeOf(event.payload.epoch).toEqualTypeOf<number>();
      expectTypeOf(event.workflowRunId).toEqualTypeOf<string>();
      expectTypeOf(event.replayed).toEqualTypeOf<true | undefined>();
      // @ts-expect-error a completed workflow has no error
      void event.payload.error;
    },
    "stage:failed": (event) => {
      expectTypeOf(event.payload.error).toEqualTypeOf<ErrorRecord>();
      expectTypeOf(event.payload.stageId).toEqualTypeOf<string>();
    },
    "lease:reaped": undefined,
  },
});
definePlugin({
  name: "misspelt",
  handlers: {
    // @ts-expect-error there is no such event
    "workflow:complete": () => {},
  },
});
definePlugin({
  name: "no-function",
  handlers: {
    // @ts-expect-error a handler is a function
    "workflow:completed": true,
  },
});
// @ts-expect-error a plugin has a name
definePlugin({ handlers: {} });

// Each event type has an event of its own.
type Types = { [Type in EventType]: EventOf<Type>["type"] };
expectTypeOf<Types[EventType]>().toEqualTypeOf<EventType>();
expectTypeOf<Types["annotation:created"]>().toEqualTypeOf<"annotation:created">();
