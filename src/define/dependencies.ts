/** How the stages and ids in `dependencies` become the types of `ctx.require`. */
import type { Stage } from "./stage.ts";

/** A stage that must come earlier: itself, or its id. */
export type Dependency = Stage | string;

/** What `defineStage` infers where no `dependencies` are given. Not a tuple, so that `dependencies: []` (none at all) differs from it. */
export type AllEarlier = readonly never[];

/** Outputs by stage id: those of the dependencies, or of any earlier stage, unknown, where none are declared. */
export type OutputsOf<Dependencies extends readonly Dependency[]> = Dependencies extends AllEarlier
  ? Dependencies extends readonly []
    ? object
    : Record<string, unknown>
  : Show<{ [D in Dependencies[number] as Known<IdOf<D>>]: OutputOf<D> }>;

/** The ids that must come earlier; `string` where some are not known to the compiler. */
export type NeedsOf<Dependencies extends readonly Dependency[]> = Known<IdOf<Dependencies[number]>>;

/**
 * An id, or `string` where only a pattern of it is known, such as `part-${number}`: two such ids may be equal or not. A pattern makes
 * an index signature, which unlike a property is never missing.
 */
export type Known<Id extends string> = Id extends string
  ? Partial<Record<Id, unknown>> extends Record<Id, unknown>
    ? string
    : Id
  : never;

/** The same type, shown by its members in messages and hovers. */
export type Show<T> = T extends infer U ? { [K in keyof U]: U[K] } : never;

type IdOf<D extends Dependency> = D extends Stage ? D["id"] : D extends string ? D : never;
type OutputOf<D extends Dependency> = D extends Stage<string, unknown, infer Output> ? Output : unknown;
