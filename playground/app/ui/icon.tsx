import type { ReactElement } from "react";
import type { StageState } from "../run/view.ts";

/** The page's signs, drawn on a grid of 16 in one stroke width. They stand beside words and are hidden from screen readers. */
const paths = {
  waiting: <circle cx="8" cy="8" r="5.25" strokeDasharray="0.5 3.6" strokeLinecap="round" />,
  queued: <circle cx="8" cy="8" r="5.25" strokeDasharray="3.3 2.2" />,
  running: (
    <>
      <circle cx="8" cy="8" r="5.25" opacity="0.25" />
      <path
        d="M8 2.75A5.25 5.25 0 0 1 13.25 8"
        className="icon-turning"
        style={{ transformOrigin: "8px 8px" }}
      />
    </>
  ),
  backoff: <path d="M8 2.75a5.25 5.25 0 1 1 0 10.5a5.25 5.25 0 0 1 0-10.5M8 5v3.2l2.2 1.3" />,
  suspended: <path d="M8 2.75a5.25 5.25 0 1 1 0 10.5a5.25 5.25 0 0 1 0-10.5M6.6 6v4M9.4 6v4" />,
  succeeded: <path d="M8 2.75a5.25 5.25 0 1 1 0 10.5a5.25 5.25 0 0 1 0-10.5M5.6 8.2l1.7 1.7l3.2-3.6" />,
  failed: <path d="M8 2.75a5.25 5.25 0 1 1 0 10.5a5.25 5.25 0 0 1 0-10.5M6.1 6.1l3.8 3.8M9.9 6.1l-3.8 3.8" />,
  "lease-expired": (
    <path d="M6.7 10.6l-1 1a2.3 2.3 0 0 1-3.3-3.3l1.9-1.9M9.3 5.4l1-1a2.3 2.3 0 0 1 3.3 3.3l-1.9 1.9M5.2 2.2l.4 1.8M2.2 5.2l1.8.4M10.8 13.8l-.4-1.8M13.8 10.8l-1.8-.4" />
  ),
  cancelled: <path d="M8 2.75a5.25 5.25 0 1 1 0 10.5a5.25 5.25 0 0 1 0-10.5M4.4 4.4l7.2 7.2" />,
  skipped: <path d="M2.5 8h2M6 8h2M9.5 8h3.5M10.5 5.2L13.3 8l-2.8 2.8" />,
  "not-run": <path d="M4.5 8h7" />,
  begin: <path d="M5 3.5l7.5 4.5L5 12.5z" />,
  note: <path d="M3 3h10v7.5H8.5L5.5 13v-2.5H3z" />,
  document: <path d="M4 1.75h5l3 3v9.5H4zM9 1.75v3h3M6 8h4M6 10.75h4" />,
  upload: <path d="M8 10V2.5M5 5.25L8 2.25l3 3M2.5 10v3.25h11V10" />,
  stop: <rect x="4" y="4" width="8" height="8" rx="1" />,
  again: <path d="M12.8 6A5.2 5.2 0 1 0 13.2 9M13 2.5V6H9.5" />,
  kill: <path d="M9.2 1.75L3.5 9H7.6l-.8 5.25L12.5 7H8.4z" />,
  sun: (
    <path d="M8 5.2a2.8 2.8 0 1 1 0 5.6a2.8 2.8 0 0 1 0-5.6M8 1.2v1.6M8 13.2v1.6M1.2 8h1.6M13.2 8h1.6M3.2 3.2l1.1 1.1M11.7 11.7l1.1 1.1M3.2 12.8l1.1-1.1M11.7 4.3l1.1-1.1" />
  ),
  moon: <path d="M13 9.6A5.6 5.6 0 0 1 6.4 3a5.4 5.4 0 1 0 6.6 6.6z" />,
  screen: <path d="M2 3h12v8H2zM5.5 13.75h5M8 11v2.75" />,
  tabs: <path d="M5.5 2.5h8v7.5M2.5 5.5h8v8h-8z" />,
  close: <path d="M4 4l8 8M12 4l-8 8" />,
  disk: (
    <path d="M8 2c3 0 5 .9 5 2s-2 2-5 2s-5-.9-5-2s2-2 5-2M3 4v4c0 1.1 2 2 5 2s5-.9 5-2V4M3 8v4c0 1.1 2 2 5 2s5-.9 5-2V8" />
  ),
  chevron: <path d="M6 3.5l4.5 4.5L6 12.5" />,
  alarm: <path d="M8 2L14.5 13.5H1.5zM8 6.5v3.200M8 11.600v.3" />,
} as const satisfies Readonly<Record<StageState, ReactElement> & Record<string, ReactElement>>;

export type IconName = keyof typeof paths;

/** One of the page's signs. */
export function Icon({ name, size = 16 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg
      className="icon"
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinejoin="round"
      strokeLinecap="round"
      aria-hidden="true"
    >
      {paths[name]}
    </svg>
  );
}
