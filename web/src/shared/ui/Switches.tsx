/** The language and theme switches. */
import { words } from "../i18n/index.ts";
import { chooseLanguage, chooseTheme, language, theme, type Language, type Theme } from "../settings.ts";

interface SegmentsProps<Value extends string> {
  readonly name: string;
  readonly label: string;
  readonly value: Value;
  readonly options: readonly (readonly [Value, string])[];
  readonly onChoose: (value: Value) => void;
}

function Segments<Value extends string>({ name, label, value, options, onChoose }: SegmentsProps<Value>) {
  return (
    <div class="segments" role="radiogroup" aria-label={label}>
      {options.map(([option, text]) => (
        <label key={option}>
          <input type="radio" name={name} checked={option === value} onChange={() => onChoose(option)} />
          <span>{text}</span>
        </label>
      ))}
    </div>
  );
}

// Each language is named in itself, for those who cannot read the other.
const languages: readonly (readonly [Language, string])[] = [
  ["en", "English"],
  ["zh", "中文"],
];

export function LanguageSwitch() {
  return (
    <Segments
      name="language"
      label={words.value.common.language}
      value={language.value}
      options={languages}
      onChoose={chooseLanguage}
    />
  );
}

export function ThemeSwitch() {
  const { theme: label, themes } = words.value.common;
  const options = (["system", "light", "dark"] as const).map((option) => [option, themes[option]] as const);
  return <Segments<Theme> name="theme" label={label} value={theme.value} options={options} onChoose={chooseTheme} />;
}
