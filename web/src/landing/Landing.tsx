/** What Tapstone is, where its pages are, and how to try it. */
import { demoWorld } from "../shared/demo.ts";
import { words } from "../shared/i18n/index.ts";
import { usePageTitle } from "../shared/ui/common.tsx";
import { ChevronIcon, CodeIcon } from "../shared/ui/icons.tsx";
import { Brand } from "../shared/ui/Logo.tsx";
import { LanguageSwitch, ThemeSwitch } from "../shared/ui/Switches.tsx";
import { Illustration } from "./Illustration.tsx";

export function Landing() {
  const { landing } = words.value;
  usePageTitle(landing.pageTitle);
  return (
    <div class="landing">
      <header>
        <Brand />
        <nav>
          <a href="/till">{landing.till}</a>
          <a href="/wallet">{landing.wallet}</a>
          <a href="/reference">{landing.reference}</a>
        </nav>
        <LanguageSwitch />
      </header>
      <main>
        <section class="hero">
          <div>
            <h1>{landing.tagline}</h1>
            <p>{landing.lead}</p>
            <div class="hero-actions">
              <a class="button primary" href="/till">
                {landing.openTill}
              </a>
              <a class="button" href="/wallet">
                {landing.openWallet}
              </a>
            </div>
          </div>
          <Illustration label={landing.illustration} />
        </section>
        {demoWorld.value !== null && <Steps />}
        <Points />
        <a class="card developers" href="/reference">
          <CodeIcon size={28} />
          <span class="grow">
            <small>{landing.forDevelopers}</small>
            <strong>{landing.reference}</strong>
            <span>{landing.referenceText}</span>
          </span>
          <ChevronIcon />
        </a>
      </main>
      <footer>
        <span>{landing.footer}</span>
        <ThemeSwitch />
      </footer>
    </div>
  );
}

function Steps() {
  const { landing } = words.value;
  return (
    <section class="steps">
      <h2>{landing.tryTitle}</h2>
      <p>{landing.tryText}</p>
      <ol>
        {landing.steps.map((step, index) => (
          <li key={step.title} class="card">
            <span class="step-number" aria-hidden="true">
              {index + 1}
            </span>
            <h3>{step.title}</h3>
            <p>{step.text}</p>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Points() {
  const { landing } = words.value;
  return (
    <section class="points">
      <h2>{landing.pointsTitle}</h2>
      <ul>
        {landing.points.map((point) => (
          <li key={point.title}>
            <h3>{point.title}</h3>
            <p>{point.text}</p>
          </li>
        ))}
      </ul>
    </section>
  );
}
