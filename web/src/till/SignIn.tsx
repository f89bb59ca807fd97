/** Opening the till: as one of the demo's shops, or with a merchant key. */
import { demoPending, demoWorld } from "../shared/demo.ts";
import { words } from "../shared/i18n/index.ts";
import { Loading, Notice, ScreenTitle } from "../shared/ui/common.tsx";
import { DemoChoices } from "../shared/ui/DemoChoices.tsx";
import { Brand } from "../shared/ui/Logo.tsx";
import { SignInForm } from "../shared/ui/SignInForm.tsx";
import { LanguageSwitch } from "../shared/ui/Switches.tsx";
import { TagStand } from "../shared/ui/TagStand.tsx";
import { refused, signIn } from "./session.ts";

export function SignIn() {
  const { till, problems } = words.value;
  if (demoPending.value) return <Loading />;
  return (
    <div class="till-sign-in">
      <header class="till-header">
        <Brand />
        <span class="grow" />
        <LanguageSwitch />
      </header>
      <main>
        <div class="till-sign-in-title">
          <TagStand calling={false} />
          <ScreenTitle>{till.signInTitle}</ScreenTitle>
          <p class="soft">{till.signInText}</p>
        </div>
        <div class="till-sign-in-choices">
          {refused.value && <Notice tone="warn" title={problems.unauthenticated.title} />}
          {demoWorld.value !== null && (
            <DemoChoices
              title={till.chooseDemoBrand}
              text={till.demoText}
              choices={demoWorld.value.merchants}
              onChoose={({ key }) => signIn(key)}
            />
          )}
          <section class="card padded">
            {demoWorld.value !== null && <h2 class="label">{till.orKey}</h2>}
            <SignInForm label={till.key} hint={till.keyHint} action={till.signIn} refused={till.keyRefused} onSecret={signIn} />
          </section>
        </div>
      </main>
    </div>
  );
}
