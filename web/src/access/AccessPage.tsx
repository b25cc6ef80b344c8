import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ask, path } from "../api/client";
import { useChange, useMe, useThings } from "../api/queries";
import type { Thing, Tokens } from "../api/types";
import { useRights } from "../lib/rights";
import { Button } from "../ui/Button";
import { Copy } from "../ui/Copy";
import { Dialog } from "../ui/Dialog";
import { Choice, Text } from "../ui/Field";
import { Empty, Wrong } from "../ui/Notice";
import { Page, Part } from "../ui/Page";
import { Ago } from "../ui/Time";

type User = Thing<{ displayName?: string; groups?: string[] | string; disabled?: boolean }>;
type Binding = Thing<{ role: string; users?: string[] | string; groups?: string[] | string; namespaces?: string[] | string }>;

function list(value: string[] | string | undefined): string {
  return Array.isArray(value) ? value.join(", ") : (value ?? "");
}

/** Who one is, one's tokens, and who may do what. */
export function AccessPage() {
  const me = useMe().data;
  const { may } = useRights();
  const users = useThings<User>("users", undefined, undefined, may("view", "User"));
  const bindings = useThings<Binding>("rolebindings", undefined, undefined, may("view", "RoleBinding"));
  return (
    <Page title="Access">
      <Part title={`You are ${me?.user ?? "…"}`} actions={<Password user={me?.user ?? ""} />}>
        <div className="px-4 py-3">
          <p>{me?.displayName} {me?.groups.length ? <span className="text-muted">in {me.groups.join(", ")}</span> : null}</p>
          <table className="list mt-2">
            <thead><tr><th>Where</th><th>What you may</th></tr></thead>
            <tbody>
              {Object.entries(me?.rights ?? {}).map(([namespace, rights]) => (
                <tr key={namespace}>
                  <td className="font-medium">{namespace || "the whole cluster"}</td>
                  <td className="text-muted">{rights.join(", ") || "nothing"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </Part>
      <TokensPart />
      {may("view", "User") ? (
        <Part title="Users">
          {users.data?.length ? (
            <table className="list">
              <thead><tr><th>User</th><th>Name</th><th>Groups</th><th>State</th></tr></thead>
              <tbody>
                {users.data.map((user) => (
                  <tr key={user.metadata.uid}>
                    <td className="font-medium">{user.metadata.name}</td>
                    <td>{user.spec.displayName}</td>
                    <td>{list(user.spec.groups)}</td>
                    <td>{user.spec.disabled ? <span className="text-bad">disabled</span> : "active"}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          ) : (
            <Empty title="No users">windlass apply user.yaml makes one.</Empty>
          )}
        </Part>
      ) : null}
      {may("view", "RoleBinding") ? (
        <Part title="Role bindings">
          {bindings.data?.length ? (
            <table className="list">
              <thead><tr><th>Binding</th><th>Role</th><th>Users</th><th>Groups</th><th>Namespaces</th></tr></thead>
              <tbody>
                {bindings.data.map((binding) => (
                  <tr key={binding.metadata.uid}>
                    <td className="font-medium">{binding.metadata.name}</td>
                    <td>{binding.spec.role}</td>
                    <td>{list(binding.spec.users)}</td>
                    <td>{list(binding.spec.groups)}</td>
                    <td>{list(binding.spec.namespaces)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          ) : (
            <Empty title="No bindings">Without one, a user may do nothing.</Empty>
          )}
        </Part>
      ) : null}
    </Page>
  );
}

function TokensPart() {
  const tokens = useQuery({ queryKey: ["tokens"], queryFn: () => ask<Tokens>(path(["tokens"])) });
  const [isMaking, setMaking] = useState(false);
  const revoke = useChange((id: string) => ask(path(["tokens", id]), { method: "DELETE" }));
  return (
    <Part title="Tokens" actions={<Button onPress={() => setMaking(true)}>New token …</Button>}>
      {tokens.isError ? <Wrong error={tokens.error} /> : null}
      {revoke.isError ? <Wrong error={revoke.error} /> : null}
      {tokens.data?.items.length ? (
        <table className="list">
          <thead><tr><th>Id</th><th>User</th><th>For</th><th>Made</th><th>Ends</th><th>Only</th><th><span className="sr-only">End</span></th></tr></thead>
          <tbody>
            {tokens.data.items.map((token) => (
              <tr key={token.id}>
                <td className="mono">{token.id}</td>
                <td>{token.user}</td>
                <td>{token.note}</td>
                <td><Ago at={micros(token.createdAt)} /></td>
                <td>{token.expiresAt ? <Ago at={micros(token.expiresAt)} /> : "never"}</td>
                <td className="text-muted">{[...(token.namespaces ?? []), ...(token.verbs ?? [])].join(", ")}</td>
                <td><Button onPress={() => revoke.mutate(token.id)}>End it</Button></td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : (
        <Empty title="No tokens">The command line and programs use them.</Empty>
      )}
      {isMaking ? <Make onClose={() => setMaking(false)} /> : null}
    </Part>
  );
}

/** Times of tokens come as texts or as microseconds. */
function micros(at: unknown): number | string {
  return typeof at === "number" ? at / 1000 : String(at);
}

function Make({ onClose }: { onClose: () => void }) {
  const [note, setNote] = useState("");
  const [span, setSpan] = useState("30d");
  const make = useChange(() => ask<{ token: string }>(path(["tokens"]), { method: "POST", body: { note, expiresIn: span || undefined } }));
  return (
    <Dialog title="New token" isOpen onClose={onClose}>
      {make.data ? (
        <div className="flex flex-col gap-3">
          <p>It is shown this once:</p>
          <div className="flex items-center gap-2 rounded-md border border-line bg-raised px-3 py-2">
            <code className="mono break-all">{make.data.token}</code>
            <Copy text={make.data.token} />
          </div>
          <div className="flex justify-end"><Button onPress={onClose}>I have it</Button></div>
        </div>
      ) : (
        <form className="flex flex-col gap-3" onSubmit={(event) => { event.preventDefault(); make.mutate(undefined); }}>
          <Text label="What it is for" required value={note} onChange={(event) => setNote(event.target.value)} autoFocus />
          <Choice label="Good for" value={span} onChange={(event) => setSpan(event.target.value)} of={[["1h", "an hour"], ["1d", "a day"], ["30d", "30 days"], ["365d", "a year"], ["", "ever"]]} />
          {make.isError ? <Wrong error={make.error} /> : null}
          <div className="flex justify-end gap-2">
            <Button onPress={onClose}>Leave it</Button>
            <Button type="submit" tone="primary" isDisabled={make.isPending}>Make it</Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}

function Password({ user }: { user: string }) {
  const [isOpen, setOpen] = useState(false);
  const [current, setCurrent] = useState("");
  const [password, setPassword] = useState("");
  const change = useChange(() => ask(path(["users", user, "password"]), { method: "PUT", body: { password, ...(current ? { current } : {}) } }));
  const close = () => {
    setOpen(false);
    setCurrent("");
    setPassword("");
    change.reset();
  };
  return (
    <>
      <Button onPress={() => setOpen(true)}>Password …</Button>
      <Dialog title="Your password" isOpen={isOpen} onClose={close}>
        <form className="flex flex-col gap-3" onSubmit={(event) => { event.preventDefault(); change.mutate(undefined, { onSuccess: close }); }}>
          <Text label="The one of now" type="password" autoComplete="current-password" hint="empty, where you have none" value={current} onChange={(event) => setCurrent(event.target.value)} />
          <Text label="The new one" type="password" autoComplete="new-password" required minLength={12} hint="12 characters at the least; other sessions of yours end" value={password} onChange={(event) => setPassword(event.target.value)} />
          {change.isError ? <Wrong error={change.error} /> : null}
          <div className="flex justify-end gap-2">
            <Button onPress={close}>Leave it</Button>
            <Button type="submit" tone="primary" isDisabled={change.isPending}>Change it</Button>
          </div>
        </form>
      </Dialog>
    </>
  );
}
