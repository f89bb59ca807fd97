/** The person's language and theme: the browser's wish until they choose, then kept. */
import { effect, signal } from "@preact/signals";
import { keptForever } from "./storage.ts";

export type Language = "en" | "zh";
export type Theme = "system" | "light" | "dark";

const keptLanguage = keptForever("language");
const keptTheme = keptForever("theme");

export const language = signal<Language>(chosenLanguage() ?? browserLanguage());
export const theme = signal<Theme>(chosenTheme() ?? "system");

export function chooseLanguage(choice: Language): void {
  language.value = choice;
  keptLanguage.write(choice);
}

export function chooseTheme(choice: Theme): void {
  theme.value = choice;
  keptTheme.write(choice);
}

function chosenLanguage(): Language | null {
  const value = keptLanguage.read();
  return value === "en" || value === "zh" ? value : null;
}

function chosenTheme(): Theme | null {
  const value = keptTheme.read();
  return value === "system" || value === "light" || value === "dark" ? value : null;
}

function browserLanguage(): Language {
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

effect(() => {
  document.documentElement.lang = language.value === "zh" ? "zh-Hans" : "en";
});

effect(() => {
  const root = document.documentElement;
  if (theme.value === "system") delete root.dataset["theme"];
  else root.dataset["theme"] = theme.value;
});

// Another tab's choice is this tab's too.
addEventListener("storage", () => {
  language.value = chosenLanguage() ?? language.value;
  theme.value = chosenTheme() ?? theme.value;
});
