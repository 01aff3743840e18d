/** Dexie's own ES module, which it ships without types. */
declare module "dexie/dist/modern/dexie.mjs" {
  export { Dexie } from "dexie";
}
