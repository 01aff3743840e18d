import "fake-indexeddb/auto";
import { describe, it } from "vitest";
import { checkIndexes } from "../tables/indexes.test-helper.ts";
import { diesAfter } from "./dying.test-helper.ts";
import { deleteDatabase, type IndexedDbStore, indexedDbStore } from "./index.ts";

let databases = 0;

describe("the IndexedDB store", () => {
  it("finds by its indexes what the rows say, whoever wrote them", async () => {
    await checkIndexes(async (clock) => {
      databases += 1;
      const database = `indexes-${databases}`;
      const open = (): Promise<IndexedDbStore> => indexedDbStore({ database, clock });
      let [present, other] = await Promise.all([open(), open()]);
      return {
        get store() {
          return present;
        },
        diesAfter,
        async change(to) {
          if (to === "other") [present, other] = [other, present];
          else {
            await present.close();
            present = await open();
          }
        },
        async close() {
          await Promise.all([present.close(), other.close()]);
          await deleteDatabase(database);
        },
      };
    }, 60);
  });
});
