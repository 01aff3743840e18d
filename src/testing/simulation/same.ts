import { canonical } from "../../ports/canonical.ts";

/** Whether two rows are the same. What isn't plain data is compared as payloads are. */
export function same(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false;
  const proto: unknown = Object.getPrototypeOf(one);
  if (proto !== Object.getPrototypeOf(other)) return false;
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((item, index) => same(item, other[index]));
  }
  if (proto !== Object.prototype) return canonical(one) === canonical(other);
  const left = one as Readonly<Record<string, unknown>>;
  const right = other as Readonly<Record<string, unknown>>;
  let count = 0;
  for (const name in left) {
    if (left[name] === undefined) continue;
    count += 1;
    if (!same(left[name], right[name])) return false;
  }
  for (const name in right) if (right[name] !== undefined) count -= 1;
  return count === 0;
}

/** The first field in which two rows differ, for messages. */
export function difference(one: unknown, other: unknown): string {
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) {
    return `${show(one)} is not ${show(other)}`;
  }
  const left = one as Readonly<Record<string, unknown>>;
  const right = other as Readonly<Record<string, unknown>>;
  for (const name of new Set([...Object.keys(left), ...Object.keys(right)])) {
    if (!same(left[name], right[name])) return `${name}: ${difference(left[name], right[name])}`;
  }
  return `${show(one)} is not ${show(other)}`;
}

function show(value: unknown): string {
  const text = JSON.stringify(value, (_, part: unknown) => (typeof part === "bigint" ? `${part}n` : part));
  return text === undefined ? String(value) : text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
