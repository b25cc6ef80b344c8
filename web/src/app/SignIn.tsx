import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { useNavigate, useSearchParams } from "react-router";
import { ask } from "../api/client";
import { Button } from "../ui/Button";
import { Text } from "../ui/Field";
import { Wrong } from "../ui/Notice";
import { signIn } from "./session";

interface Providers {
  items?: { name: string; title?: string }[];
}

/** Only a place of our own is gone to. */
function local(to: string | null): string {
  return to?.startsWith("/") && !to.startsWith("//") ? to : "/";
}

export function SignIn() {
  const [asked] = useSearchParams();
  const navigate = useNavigate();
  const [error, setError] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const [byToken, setByToken] = useState(false);
  const to = local(asked.get("to"));
  const hasTried = useRef(false);
  const providers = useQuery({
    queryKey: ["providers"],
    queryFn: () => ask<Providers>("/api/v1/oidc"),
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
  });

  const tries = async (how: Parameters<typeof signIn>[0]) => {
    setBusy(true);
    setError(null);
    try {
      await signIn(how);
      navigate(to, { replace: true });
    } catch (error) {
      setError(error);
    } finally {
      setBusy(false);
    }
  };

  // A link that was handed over carries its token behind the `#`, which no server and no log sees.
  useEffect(() => {
    const token = /^#token=(wl_[A-Za-z0-9_]+)$/.exec(location.hash)?.[1];
    if (token && !hasTried.current) {
      hasTried.current = true;
      history.replaceState(null, "", location.pathname + location.search);
      void tries({ token });
    }
  });

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? "");
    void tries(byToken ? { token: text("token").trim() } : { user: text("user").trim(), password: text("password") });
  };

  return (
    <main className="flex min-h-full items-start justify-center px-4 pt-[14vh]">
      <title>Sign in · Windlass</title>
      <div className="w-full max-w-sm">
        <div className="mb-5 flex items-center gap-2">
          <img src="/ui/icon.svg" alt="" className="size-8" />
          <h1 className="text-xl font-semibold">Windlass</h1>
        </div>
        <form onSubmit={submit} className="card flex flex-col gap-3 p-5">
          {byToken ? (
            <Text
              label="Token"
              name="token"
              type="password"
              autoComplete="off"
              required
              autoFocus
              hint="The server prints one at its first start; windlass tokens --new makes others."
            />
          ) : (
            <>
              <Text label="User" name="user" autoComplete="username" required autoFocus />
              <Text label="Password" name="password" type="password" autoComplete="current-password" required />
            </>
          )}
          {error ? <Wrong error={error} /> : null}
          <Button tone="primary" type="submit" isDisabled={isBusy} className="justify-center">
            {isBusy ? "Signing in …" : "Sign in"}
          </Button>
          <Button tone="quiet" className="justify-center" onPress={() => setByToken(!byToken)}>
            {byToken ? "With user and password" : "With a token"}
          </Button>
          {providers.data?.items?.map((provider) => (
            <a
              key={provider.name}
              className="rounded-md border border-strong px-3 py-1.5 text-center font-medium hover:bg-raised"
              href={`/api/v1/oidc/login?provider=${encodeURIComponent(provider.name)}&return_to=${encodeURIComponent(`/ui${to}`)}`}
            >
              {provider.title ?? `With ${provider.name}`}
            </a>
          ))}
        </form>
      </div>
    </main>
  );
}
