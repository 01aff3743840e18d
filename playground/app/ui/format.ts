/** Figures and instants in words, in one form all over the page. English, like the rest of it. */

/** `430 ms`, `1.2 s`, `42 s`, `2 min 3 s`, `1 h 5 min`. */
export function duration(ms: number): string {
  const positive = Math.max(0, ms);
  if (positive < 1000) return `${Math.round(positive)} ms`;
  if (positive < 9950) return `${(positive / 1000).toFixed(1)} s`;
  const seconds = Math.round(positive / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** `512 bytes`, `33 kB`, `1.2 MB`: decimal, as the limits are. */
export function bytes(size: number): string {
  if (size < 1000) return count(size, "byte");
  const units = ["kB", "MB", "GB", "TB"] as const;
  let value = size / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value < 9.95 ? value.toFixed(1).replace(/\.0$/u, "") : Math.round(value)} ${units[unit]}`;
}

/** `1 word`, `12,345 words`. */
export function count(number: number, noun: string): string {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

/** A long id by its ends, as people compare them: `tab-…3f9c-2`. Short ones are left whole. */
export function shortId(id: string): string {
  if (id.length <= 14) return id;
  const kind = /^[a-z]+-/u.exec(id)?.[0] ?? id.slice(0, 4);
  return `${kind}…${id.slice(-6)}`;
}

/** `+0.42`, `−0.10`, `0.00`. The minus sign proper is as wide as the plus. */
export function signed(value: number): string {
  const text = Math.abs(value).toFixed(2);
  if (Number(text) === 0) return text;
  return `${value < 0 ? "−" : "+"}${text}`;
}

/** `43 %`, never `100 %` before it is all. */
export function percent(share: number): string {
  return `${Math.floor(Math.min(1, Math.max(0, share)) * 100)} %`;
}

/** The time of day to the millisecond, as logs want it: `14:03:09.120`. */
export function clockTime(at: number): string {
  const date = new Date(at);
  const parts = [date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits).join(":");
  return `${parts}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

/** `14:03` today, `Tue 14:03` within a week, `3 Nov 14:03` before that. */
export function shortTime(at: number, now: number): string {
  const date = new Date(at);
  const time = `${twoDigits(date.getHours())}:${twoDigits(date.getMinutes())}`;
  if (date.toDateString() === new Date(now).toDateString()) return time;
  const day =
    now - at < 6 * 86_400_000
      ? date.toLocaleDateString("en", { weekday: "short" })
      : date.toLocaleDateString("en", { day: "numeric", month: "short" });
  return `${day} ${time}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
