/** `npm run bench [-- NAME] [--json]`: all time is measured here; no test asserts any. Exit status 1 when a row falls short. */
import { indexeddb } from "./indexeddb.ts";
import { machine, type Row, table } from "./measure.ts";
import { memory } from "./memory.ts";

const benches: Readonly<Record<string, (log: (line: string) => void) => Promise<readonly Row[]>>> = {
  indexeddb,
  memory,
};

const names = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const json = process.argv.includes("--json");
const unknown = names.find((name) => !Object.hasOwn(benches, name));
if (unknown !== undefined) {
  console.error(`no bench ${JSON.stringify(unknown)}; there is ${Object.keys(benches).join(", ")}`);
  process.exit(2);
}

const log = (line: string): void => {
  if (!json) console.log(line);
};
log(machine());
const rows: Row[] = [];
for (const [name, bench] of Object.entries(benches)) {
  if (names.length > 0 && !names.includes(name)) continue;
  log(`\n${name}`);
  const measured = await bench(log);
  rows.push(...measured);
  log(table(measured));
}
if (json)
  console.log(
    JSON.stringify(rows.map(({ name, value, unit, goal, ok }) => ({ name, value, unit, goal, ok }))),
  );
process.exitCode = rows.every(({ ok }) => ok) ? 0 : 1;
