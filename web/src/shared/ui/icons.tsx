/** Line icons on a 24-unit grid. They carry no meaning of their own: the words beside them, or a label, do. */
import type { ComponentChildren } from "preact";

function Icon({ size = 22, children }: { size?: number; children: ComponentChildren }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="1.8"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      {children}
    </svg>
  );
}

interface IconProps {
  size?: number;
}

export const BackspaceIcon = ({ size = 26 }: IconProps) => (
  <Icon size={size}>
    <path d="M9 5h10a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H9l-6-7Z" />
    <path d="m12 9.5 5 5m0-5-5 5" />
  </Icon>
);
export const ChevronIcon = ({ size = 20 }: IconProps) => (
  <Icon size={size}>
    <path d="m9 5 7 7-7 7" />
  </Icon>
);
export const BackIcon = ({ size = 24 }: IconProps) => (
  <Icon size={size}>
    <path d="m15 5-7 7 7 7" />
  </Icon>
);
export const HomeIcon = ({ size = 24 }: IconProps) => (
  <Icon size={size}>
    <path d="M3 8.5A2.5 2.5 0 0 1 5.5 6H18a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H5.5A2.5 2.5 0 0 1 3 17.5Z" />
    <path d="M3 8.5C3 6 16 3 16 3v3M16.5 13h.01" />
  </Icon>
);
export const ActivityIcon = ({ size = 24 }: IconProps) => (
  <Icon size={size}>
    <path d="M6 3h12v18l-3-2-3 2-3-2-3 2ZM9.5 8.5h5m-5 4h5" />
  </Icon>
);
export const SettingsIcon = ({ size = 24 }: IconProps) => (
  <Icon size={size}>
    <path d="M4 7h9m5 0h2M4 17h3m5 0h8" />
    <circle cx="15.5" cy="7" r="2.5" />
    <circle cx="9.5" cy="17" r="2.5" />
  </Icon>
);
export const ContactlessIcon = ({ size = 26 }: IconProps) => (
  <Icon size={size}>
    <path d="M7 14.5c.8-1.5.8-3.5 0-5M11 17c1.7-3 1.7-7 0-10M15 19.5c2.6-4.5 2.6-10.5 0-15" />
  </Icon>
);
export const WarningIcon = ({ size = 24 }: IconProps) => (
  <Icon size={size}>
    <path d="M12 3.5 2.5 20h19ZM12 10v4.5m0 2.7v.1" />
  </Icon>
);
export const OfflineIcon = ({ size = 24 }: IconProps) => (
  <Icon size={size}>
    <path d="M3 3l18 18M5 12.5a10 10 0 0 1 4-2.4M2 8.8a15 15 0 0 1 4.5-2.9M10.5 5.1A15 15 0 0 1 22 8.8M14.5 10.2a10 10 0 0 1 4.5 2.3M8.5 16a5 5 0 0 1 7 0M12 19.5h.01" />
  </Icon>
);
export const ClockIcon = ({ size = 24 }: IconProps) => (
  <Icon size={size}>
    <circle cx="12" cy="12" r="9" />
    <path d="M12 7v5l3.5 2" />
  </Icon>
);
export const SoundOnIcon = ({ size = 22 }: IconProps) => (
  <Icon size={size}>
    <path d="M4 9.5v5h3.5L12 18.5v-13L7.5 9.5ZM15.5 9a4.2 4.2 0 0 1 0 6M18.5 6.5a8 8 0 0 1 0 11" />
  </Icon>
);
export const SoundOffIcon = ({ size = 22 }: IconProps) => (
  <Icon size={size}>
    <path d="M4 9.5v5h3.5L12 18.5v-13L7.5 9.5ZM16 9.5l5 5m0-5-5 5" />
  </Icon>
);
export const DepositIcon = ({ size = 22 }: IconProps) => (
  <Icon size={size}>
    <path d="M12 4v11m-5-5 5 5 5-5M5 20h14" />
  </Icon>
);
export const TillIcon = ({ size = 24 }: IconProps) => (
  <Icon size={size}>
    <path d="M7 3h10v7H7ZM5 10h14l2 6v5H3v-5ZM3 16h18M11 18.5h2" />
  </Icon>
);
export const CodeIcon = ({ size = 24 }: IconProps) => (
  <Icon size={size}>
    <path d="m8 7-5 5 5 5m8-10 5 5-5 5M14 4l-4 16" />
  </Icon>
);
export const CrossIcon = ({ size = 24 }: IconProps) => (
  <Icon size={size}>
    <path d="m6 6 12 12M18 6 6 18" />
  </Icon>
);
export const MoonIcon = ({ size = 22 }: IconProps) => (
  <Icon size={size}>
    <path d="M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5Z" />
  </Icon>
);
export const SunIcon = ({ size = 22 }: IconProps) => (
  <Icon size={size}>
    <circle cx="12" cy="12" r="4" />
    <path d="M12 2.5v2m0 15v2m9.5-9.5h-2m-15 0h-2m16.2-6.7-1.4 1.4M6.7 17.3l-1.4 1.4m13.4 0-1.4-1.4M6.7 6.7 5.3 5.3" />
  </Icon>
);

/** A tick that draws itself, for a payment that succeeded. */
export function DrawnTick({ size = 96 }: IconProps) {
  return (
    <svg class="tick" width={size} height={size} viewBox="0 0 48 48" aria-hidden="true">
      <circle cx="24" cy="24" r="24" />
      <path d="m14 24.5 7 7L34.5 17.5" fill="none" stroke-width="4.2" stroke-linecap="round" stroke-linejoin="round" />
    </svg>
  );
}
