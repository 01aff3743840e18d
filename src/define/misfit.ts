/** What the compiler can say about a stage's place in a workflow. `compile.ts` says the same, and the rest, at `build()`. */
import type { Known } from "./dependencies.ts";
import type { Stage } from "./stage.ts";

/** What TypeScript reports in place of a stage or builder that doesn't fit. Nothing is ever of this type. */
export interface Misfit<Why extends string, Given = unknown, Expected = unknown> {
  readonly "~why": Why;
  readonly "~given": Given;
  readonly "~expected": Expected;
}

/** The type of values that a stage accepts as its input; unknown with `input: "none"`. */
export type StageInput<S extends Stage> = S extends Stage<string, infer Input> ? Input : never;

/** The type of a stage's output. */
export type StageOutput<S extends Stage> = S extends Stage<string, unknown, infer Output> ? Output : never;

/** The ids that a stage adds to those before; `string` where the compiler doesn't know them. */
export type StageId<S extends Stage> = Known<S["id"]>;

type Needs<S extends Stage> = S extends Stage<string, unknown, unknown, unknown, infer Needs> ? Needs : never;

/** zod gives `z.object({})` the type `Record<string, never>`, though it accepts, and strips, any object. */
export type Acceptable<Input> = Input extends Record<string, never> ? object : Input;

/** `unknown`, or why the stage can't stand after stages of these ids whose output is `Current`. */
export type Fit<S extends Stage, Current, Ids extends string> = [Current] extends [Acceptable<StageInput<S>>]
  ? [Ids & StageId<S>] extends [never]
    ? FitNeeds<S, Ids>
    : string extends Ids | StageId<S>
      ? FitNeeds<S, Ids>
      : Misfit<`stage "${S["id"]}" is in the workflow already`>
  : Misfit<`stage "${S["id"]}" doesn't accept what comes before it`, Current, StageInput<S>>;

/** Ids stand on the checked side only: so builders of more ids are known to fit where builders of any ids are asked for. */
type FitNeeds<S extends Stage, Ids extends string> = [(id: Ids) => void] extends [(id: Needs<S>) => void]
  ? unknown
  : string extends Needs<S>
    ? unknown
    : Misfit<`stage "${S["id"]}" depends on a stage that is not before it`, Ids, Needs<S>>;

/** The same for each stage of a group. An array that is no tuple is one element to the compiler, however long it is. */
export type FitAll<Stages extends readonly Stage[], Current, Ids extends string> = {
  readonly [K in keyof Stages]: Fit<Stages[K], Current, Ids>;
} & (Stages extends readonly [] ? Misfit<"parallel takes one stage or more"> : FitOnce<Stages>);

/** Each id once. Recursion in tail position, so that it ends after 1,000 elements, not 50. */
type FitOnce<Stages extends readonly Stage[], Seen extends string = never> = Stages extends readonly [
  infer First extends Stage,
  ...infer Rest extends readonly Stage[],
]
  ? [Seen & StageId<First>] extends [never]
    ? FitOnce<Rest, Seen | StageId<First>>
    : string extends Seen | StageId<First>
      ? unknown
      : Misfit<`stage "${First["id"]}" is in the group twice`>
  : unknown;

/** `unknown`, or that there is nothing to build. */
export type Started<Ids extends string> = [Ids] extends [never]
  ? Misfit<"the workflow has no stages">
  : unknown;
