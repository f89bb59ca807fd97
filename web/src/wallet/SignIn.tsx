/** Choosing a wallet: one of the demo's by name, or by its token. */
import { demoPending, demoWorld } from "../shared/demo.ts";
import { words } from "../shared/i18n/index.ts";
import { Loading, Notice, ScreenTitle } from "../shared/ui/common.tsx";
import { ContactlessIcon } from "../shared/ui/icons.tsx";
import { DemoChoices } from "../shared/ui/DemoChoices.tsx";
import { Brand } from "../shared/ui/Logo.tsx";
import { SignInForm } from "../shared/ui/SignInForm.tsx";
import { LanguageSwitch } from "../shared/ui/Switches.tsx";
import { refused, signIn } from "./session.ts";

/** `toPay`: the person came by touching a tag. */
export function SignIn({ toPay }: { toPay: boolean }) {
  const { wallet, problems } = words.value;
  if (demoPending.value) return <Loading />;
  return (
    <main class="sign-in">
      <header class="top-bar">
        <Brand />
        <LanguageSwitch />
      </header>
      <div class="sign-in-title">
        {toPay && (
          <span class="badge">
            <ContactlessIcon size={28} />
          </span>
        )}
        <ScreenTitle>{toPay ? wallet.signInToPay : wallet.signInTitle}</ScreenTitle>
        <p class="soft">{toPay ? wallet.signInToPayText : wallet.signInText}</p>
      </div>
      {refused.value && (
        <Notice tone="warn" title={problems.unauthenticated.title}>
          {problems.unauthenticated.next}
        </Notice>
      )}
      {demoWorld.value !== null && (
        <DemoChoices
          title={wallet.chooseDemoWallet}
          text={wallet.demoText}
          choices={demoWorld.value.wallets}
          onChoose={({ token }) => signIn(token)}
        />
      )}
      <section class="card padded">
        {demoWorld.value !== null && <h2 class="label">{wallet.orToken}</h2>}
        <SignInForm
          label={wallet.token}
          hint={wallet.tokenHint}
          action={wallet.signIn}
          refused={wallet.tokenRefused}
          onSecret={signIn}
        />
      </section>
    </main>
  );
}
