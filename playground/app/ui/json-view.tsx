import { type ReactNode, useState } from "react";
import { bytes } from "./format.ts";

/** Entries shown of a list or an object at first, and with each asking for more. */
const STEP = 50;
/** Characters of a string shown before it is cut. */
const LONGEST = 400;

/** A value as a tree. What is closed is not rendered, so that a whole book costs no more than its first lines. */
export function JsonView({
  value,
  name,
  open = true,
}: {
  readonly value: unknown;
  readonly name?: string;
  readonly open?: boolean;
}) {
  const entries = entriesOf(value);
  const label = name === undefined ? null : <span className="json-key">{name}: </span>;
  if (entries === null) {
    return (
      <div className="json-leaf">
        {label}
        <Leaf value={value} />
      </div>
    );
  }
  return <Branch label={label} summary={summaryOf(value, entries.length)} entries={entries} open={open} />;
}

function Branch(props: {
  readonly label: ReactNode;
  readonly summary: string;
  readonly entries: readonly (readonly [string, unknown])[];
  readonly open: boolean;
}) {
  const { label, summary, entries } = props;
  const [isOpen, setOpen] = useState(props.open);
  const [shown, setShown] = useState(STEP);
  if (entries.length === 0) {
    return (
      <div className="json-leaf">
        {label}
        <span className="json-summary">{summary}</span>
      </div>
    );
  }
  return (
    <details className="json-branch" open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        {label}
        <span className="json-summary">{summary}</span>
      </summary>
      {isOpen ? (
        <div className="json-entries">
          {entries.slice(0, shown).map(([key, entry]) => (
            <JsonView key={key} name={key} value={entry} open={false} />
          ))}
          {entries.length > shown ? (
            <button type="button" className="link-button" onClick={() => setShown(shown + STEP)}>
              Show {Math.min(STEP, entries.length - shown)} more of{" "}
              {(entries.length - shown).toLocaleString("en")}
            </button>
          ) : null}
        </div>
      ) : null}
    </details>
  );
}

function Leaf({ value }: { readonly value: unknown }) {
  const [isWhole, setWhole] = useState(false);
  if (typeof value === "string") {
    const isCut = value.length > LONGEST && !isWhole;
    return (
      <span className="json-string">
        {JSON.stringify(isCut ? `${value.slice(0, LONGEST)}…` : value)}
        {isCut ? (
          <button type="button" className="link-button" onClick={() => setWhole(true)}>
            all {value.length.toLocaleString("en")} characters
          </button>
        ) : null}
      </span>
    );
  }
  return <span className="json-plain">{textOf(value)}</span>;
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] | null {
  if (Array.isArray(value)) return value.map((item: unknown, index) => [String(index), item]);
  if (value instanceof Map) return Array.from(value, ([key, item]) => [textOf(key), item as unknown]);
  if (value instanceof Set) return Array.from(value, (item, index) => [String(index), item as unknown]);
  if (typeof value !== "object" || value === null || value instanceof Blob || value instanceof Date)
    return null;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return null;
  return Object.entries(value).filter(([, item]) => item !== undefined);
}

function summaryOf(value: unknown, size: number): string {
  const items = `${size.toLocaleString("en")} ${size === 1 ? "entry" : "entries"}`;
  return Array.isArray(value) ? `[ ${items} ]` : `{ ${items} }`;
}

function textOf(value: unknown): string {
  if (value instanceof File) return `File ${JSON.stringify(value.name)}, ${bytes(value.size)}`;
  if (value instanceof Blob) return `Blob, ${bytes(value.size)}${value.type === "" ? "" : `, ${value.type}`}`;
  if (value instanceof Date) return value.toISOString();
  if (typeof value === "bigint") return `${value}n`;
  if (ArrayBuffer.isView(value)) return `${value.constructor.name}, ${bytes(value.byteLength)}`;
  if (value instanceof ArrayBuffer) return `ArrayBuffer, ${bytes(value.byteLength)}`;
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
}
