/** The bar of sections at the bottom of the phone. */
import { words } from "../shared/i18n/index.ts";
import { ActivityIcon, HomeIcon, SettingsIcon } from "../shared/ui/icons.tsx";
import { links, type Screen } from "./router.ts";

export function Navigation({ current }: { current: Screen["name"] }) {
  const { wallet } = words.value;
  const items = [
    { name: "home", href: links.home, text: wallet.home, icon: <HomeIcon /> },
    { name: "activity", href: links.activity, text: wallet.activity, icon: <ActivityIcon /> },
    { name: "settings", href: links.settings, text: wallet.settings, icon: <SettingsIcon /> },
  ] as const;
  const shown = current === "receipt" ? "activity" : current;
  return (
    <nav class="navigation" aria-label={wallet.navigation}>
      {items.map((item) => (
        <a key={item.name} href={item.href} aria-current={item.name === shown ? "page" : undefined}>
          {item.icon}
          {item.text}
        </a>
      ))}
    </nav>
  );
}
