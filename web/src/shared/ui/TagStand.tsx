/** The tag on the counter, drawn: a slate puck on a stand that sends out waves while it is waiting. */
export function TagStand({ calling }: { calling: boolean }) {
  return (
    <svg class={calling ? "tag-stand calling" : "tag-stand"} viewBox="0 0 300 290" aria-hidden="true">
      <defs>
        <radialGradient id="puck-face" cx="38%" cy="28%" r="85%">
          <stop offset="0" stop-color="#46525d" />
          <stop offset="0.55" stop-color="#2a333c" />
          <stop offset="1" stop-color="#1a2027" />
        </radialGradient>
        <linearGradient id="puck-edge" x1="0" y1="0" x2="0" y2="1">
          <stop offset="0" stop-color="#5d6a75" />
          <stop offset="1" stop-color="#10151a" />
        </linearGradient>
        <linearGradient id="stand-side" x1="0" y1="0" x2="1" y2="0">
          <stop offset="0" stop-color="#39434c" />
          <stop offset="0.45" stop-color="#566370" />
          <stop offset="1" stop-color="#262e36" />
        </linearGradient>
        <radialGradient id="stand-shadow">
          <stop offset="0" stop-color="#000" stop-opacity="0.34" />
          <stop offset="1" stop-color="#000" stop-opacity="0" />
        </radialGradient>
      </defs>
      <g>
        <circle class="pulse" cx="150" cy="120" r="104" />
        <circle class="pulse" cx="150" cy="120" r="104" />
        <circle class="pulse" cx="150" cy="120" r="104" />
      </g>
      <ellipse cx="150" cy="266" rx="122" ry="20" fill="url(#stand-shadow)" />
      <path d="M132 205h36l7 42h-50Z" fill="url(#stand-side)" />
      <ellipse cx="150" cy="258" rx="78" ry="17" fill="#1a2027" />
      <ellipse cx="150" cy="252" rx="78" ry="17" fill="url(#stand-side)" />
      <ellipse cx="150" cy="250.5" rx="70" ry="13" fill="#3b4650" opacity="0.55" />
      <circle cx="150" cy="120" r="104" fill="url(#puck-edge)" />
      <circle cx="150" cy="120" r="98" fill="url(#puck-face)" />
      <circle cx="150" cy="120" r="86" fill="none" stroke="#f0783f" stroke-width="2.5" opacity="0.85" />
      <path d="M76 84a84 84 0 0 1 66-52" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round" opacity="0.16" />
      <g fill="none" stroke-width="10" stroke-linecap="round">
        <path class="wave" d="M120 136c5-9 5-23 0-32" />
        <path class="wave" d="M142 148c9-16 9-40 0-56" />
        <path class="wave" d="M164 160c13-23 13-57 0-80" />
      </g>
    </svg>
  );
}
