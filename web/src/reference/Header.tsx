/** The reference page's frame. */
import { words } from "../shared/i18n/index.ts";
import { usePageTitle } from "../shared/ui/common.tsx";
import { Brand } from "../shared/ui/Logo.tsx";
import { LanguageSwitch, ThemeSwitch } from "../shared/ui/Switches.tsx";

export function Header() {
  const { reference } = words.value;
  usePageTitle(reference.pageTitle);
  return (
    <>
      <header class="reference-header">
        <Brand />
        <h1>{reference.pageTitle}</h1>
        <ThemeSwitch />
        <LanguageSwitch />
      </header>
      <main id="reference" />
    </>
  );
}
