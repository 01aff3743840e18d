/** What is taken out, one at a time: each guard, and the cure of each known mistake. */
import { ofCommands } from "./command-mutations.ts";
import { ofKernel } from "./kernel-mutations.ts";
import type { Mutation } from "./mutation.ts";
import { outside } from "./outside-mutations.ts";
import { ofPool } from "./pool-mutations.ts";

export type { Mutation } from "./mutation.ts";

export const mutations: readonly Mutation[] = [...ofCommands, ...ofKernel, ...outside, ...ofPool];
