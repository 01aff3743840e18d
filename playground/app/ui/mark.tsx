/** Sluice's mark: a gate half raised between two posts, and the water that passes under it. */
export function Mark() {
  return (
    <svg className="mark" width="22" height="22" viewBox="0 0 22 22" fill="none" aria-hidden="true">
      <path d="M3 2v18M19 2v18" stroke="currentColor" strokeWidth="2" strokeLinecap="round" />
      <path d="M6.5 3.5h9v6h-9z" fill="currentColor" />
      <path
        d="M6 13.5c1.7-1.3 3.3-1.3 5 0s3.3 1.3 5 0M6 17.5c1.7-1.3 3.3-1.3 5 0s3.3 1.3 5 0"
        stroke="var(--mark)"
        strokeWidth="1.8"
        strokeLinecap="round"
      />
    </svg>
  );
}
