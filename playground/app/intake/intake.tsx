import { useEffect, useId, useRef, useState } from "react";
import { Icon } from "../ui/icon.tsx";
import { acceptFile, pastedFile } from "./accept.ts";
import { samples } from "./samples.ts";

/** A file that was turned down. */
interface Refusal {
  readonly name: string;
  readonly message: string;
}

/** More files than this at once were dropped by mistake. */
const MOST_FILES = 20;

/** Where documents come in: drop, choose, paste, or take a sample. Bad files are answered here, in words, and start nothing. */
export function Intake(props: {
  readonly isReady: boolean;
  /** Starts a run of each file. */
  readonly onFiles: (files: readonly File[]) => void;
}) {
  const { isReady, onFiles } = props;
  const [refusals, setRefusals] = useState<readonly Refusal[]>([]);
  const chooser = useRef<HTMLInputElement>(null);
  const title = useId();

  const take = async (files: readonly File[]): Promise<void> => {
    const answers = await Promise.all(files.slice(0, MOST_FILES).map(acceptFile));
    const left = files.length - MOST_FILES;
    const tooMany: Refusal[] =
      left > 0
        ? [{ name: "and more", message: `${left} more files were left out: at most ${MOST_FILES} at once.` }]
        : [];
    setRefusals([...answers.flatMap((answer) => (answer.ok ? [] : [answer])), ...tooMany]);
    const good = answers.flatMap((answer) => (answer.ok ? [answer.file] : []));
    if (good.length > 0) onFiles(good);
  };
  const isOver = useWindowDrop(take, isReady);

  return (
    <section className="intake" aria-labelledby={title}>
      <h2 id={title}>New run</h2>
      <button
        type="button"
        className="drop-zone"
        disabled={!isReady}
        onClick={() => chooser.current?.click()}
      >
        <Icon name="upload" size={20} />
        <span className="drop-title">Drop or choose a document</span>
        <span className="drop-hint">Text, HTML, Markdown or PDF, up to 50 MB. You can paste it, too.</span>
      </button>
      <input
        ref={chooser}
        type="file"
        multiple
        hidden
        accept=".txt,.text,.html,.htm,.xhtml,.md,.markdown,.pdf,text/*,application/pdf"
        onChange={(event) => {
          const chosen = Array.from(event.currentTarget.files ?? []);
          // Emptied, so that choosing the same file again is a change again.
          event.currentTarget.value = "";
          void take(chosen);
        }}
      />
      {refusals.length > 0 ? (
        <div className="refusals" role="alert">
          <ul>
            {refusals.map(({ name, message }) => (
              <li key={name + message}>{message}</li>
            ))}
          </ul>
          <button type="button" className="icon-button" onClick={() => setRefusals([])}>
            <Icon name="close" />
            <span className="hidden-text">Dismiss</span>
          </button>
        </div>
      ) : null}
      <ul className="samples" aria-label="Samples">
        {samples.map(({ title: name, kind, file }) => (
          <li key={name}>
            <button type="button" className="sample" disabled={!isReady} onClick={() => void take([file()])}>
              <Icon name="document" />
              <span className="sample-name">{name}</span>
              <span className="sample-kind">{kind}</span>
            </button>
          </li>
        ))}
      </ul>
      {isOver ? (
        <div className="drop-over" aria-hidden="true">
          <span>
            <Icon name="upload" size={28} />
            Drop to run it
          </span>
        </div>
      ) : null}
    </section>
  );
}

/** The whole window takes drops and pastes, so that nobody has to aim; a missed drop must not navigate away from the page. */
function useWindowDrop(take: (files: readonly File[]) => Promise<void>, isReady: boolean): boolean {
  const [isOver, setOver] = useState(false);
  const latest = useRef(take);
  useEffect(() => {
    latest.current = take;
  });
  useEffect(() => {
    const leaving = new AbortController();
    const { signal } = leaving;
    const holdsFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes("Files") ?? false;
    addEventListener(
      "dragover",
      (event) => {
        if (!holdsFiles(event)) return;
        event.preventDefault();
        if (event.dataTransfer) event.dataTransfer.dropEffect = isReady ? "copy" : "none";
        setOver(isReady);
      },
      { signal },
    );
    addEventListener(
      "dragleave",
      (event) => {
        // Only when it leaves the window: moving between elements leaves each of them.
        if (event.relatedTarget === null) setOver(false);
      },
      { signal },
    );
    addEventListener(
      "drop",
      (event) => {
        if (!holdsFiles(event)) return;
        event.preventDefault();
        setOver(false);
        if (isReady) void latest.current(Array.from(event.dataTransfer?.files ?? []));
      },
      { signal },
    );
    addEventListener(
      "paste",
      (event) => {
        const isEditing = event.target instanceof Element && event.target.closest("input, textarea, select");
        if (!isReady || isEditing || event.clipboardData === null) return;
        const file = pastedFile(event.clipboardData);
        if (file !== null) void latest.current([file]);
      },
      { signal },
    );
    return () => leaving.abort();
  }, [isReady]);
  return isOver;
}
