/** The mark: a stone that sends out waves. */
export function Logo({ size = 30 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <path
        d="M13.2 2.6C20.6.9 28.3 5 30 12.3c1.7 7.2-2.3 15.2-10.3 17.1C11.8 31.3 3.7 28 2 20.3.4 12.7 5.4 4.4 13.2 2.6Z"
        style={{ fill: "light-dark(#232b33, #39444e)" }}
      />
      <g fill="none" stroke="#f0783f" stroke-width="2.7" stroke-linecap="round">
        <path d="M11.6 18.9c1-1.7 1-4.1 0-5.8" />
        <path d="M16 21.5c1.9-3.2 1.9-7.8 0-11" />
        <path d="M20.4 24.1c2.9-4.8 2.9-11.4 0-16.2" />
      </g>
    </svg>
  );
}

export function Brand({ href = "/" }: { href?: string }) {
  return (
    <a class="brand" href={href}>
      <Logo />
      Tapstone
    </a>
  );
}
