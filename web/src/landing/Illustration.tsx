/** A phone held to the tag on the counter. */
import { TagStand } from "../shared/ui/TagStand.tsx";

export function Illustration({ label }: { label: string }) {
  return (
    <figure class="illustration" role="img" aria-label={label}>
      <TagStand calling />
      <svg class="held-phone" viewBox="0 0 150 290" aria-hidden="true">
        <rect x="3" y="3" width="144" height="284" rx="30" fill="#10151a" />
        <rect x="10" y="10" width="130" height="270" rx="24" style={{ fill: "var(--surface)" }} />
        <rect x="52" y="18" width="46" height="11" rx="5.5" fill="#10151a" />
        <circle cx="75" cy="98" r="31" style={{ fill: "var(--good)" }} />
        <path d="m61 99 10 10 19-20" fill="none" stroke-width="6" stroke-linecap="round" stroke-linejoin="round" style={{ stroke: "var(--surface)" }} />
        <text x="75" y="172" text-anchor="middle" font-size="29" font-weight="700" style={{ fill: "var(--ink)" }}>
          12.50
        </text>
        <text x="75" y="193" text-anchor="middle" font-size="13" font-weight="600" style={{ fill: "var(--ink-soft)" }}>
          CNY
        </text>
        <rect x="26" y="236" width="98" height="28" rx="14" style={{ fill: "var(--accent)" }} />
      </svg>
    </figure>
  );
}
