import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState, useSyncExternalStore } from "react";
import { NavLink, Navigate, Outlet, useLocation, useNavigate, useParams } from "react-router";
import { whenSignedOut } from "../api/client";
import { useRuns, useThings, useVersion } from "../api/queries";
import { staleSince, whenReach } from "../api/reach";
import { useKept } from "../lib/keep";
import { useRights } from "../lib/rights";
import { Button } from "../ui/Button";
import { Loading, Stale, Wrong } from "../ui/Notice";
import { Palette } from "./Palette";
import { current, signOut } from "./session";
import { Theme } from "./Theme";

/** Everything around a page: who one is, where one can go, what is frozen. */
export function Shell() {
  const at = useLocation();
  const queries = useQueryClient();
  const session = useQuery({ queryKey: ["session"], queryFn: current, staleTime: 60_000 });
  useEffect(() => whenSignedOut(() => queries.setQueryData(["session"], null)), [queries]);
  if (session.isPending) return <Loading what="Windlass" />;
  if (session.isError) {
    return (
      <div className="p-6">
        <Wrong error={session.error} again={() => void session.refetch()} />
      </div>
    );
  }
  if (!session.data) {
    return <Navigate to={`/sign-in?to=${encodeURIComponent(at.pathname + at.search)}`} replace />;
  }
  return <Within user={session.data.user} />;
}

function Within({ user }: { user: string }) {
  const [isOpen, setOpen] = useState(false);
  const navigate = useNavigate();
  const queries = useQueryClient();
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        setOpen((open) => !open);
      }
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, []);
  const leave = async () => {
    await signOut();
    queries.setQueryData(["session"], null);
    navigate("/sign-in");
  };
  return (
    <div className="flex min-h-full flex-col">
      <a href="#main" className="sr-only focus:not-sr-only focus:absolute focus:z-50 focus:bg-panel focus:p-2">
        To the page
      </a>
      <header className="sticky top-0 z-30 flex flex-wrap items-center gap-x-4 gap-y-1 border-b border-line bg-panel px-4 py-1.5">
        <NavLink to="/" className="flex items-center gap-2 font-semibold" aria-label="Windlass, all runs">
          <img src="/ui/icon.svg" alt="" className="size-6" />
          Windlass
        </NavLink>
        <Namespace />
        <Links />
        <div className="ml-auto flex items-center gap-1">
          <Button tone="quiet" onPress={() => setOpen(true)} aria-keyshortcuts="Control+K">
            Go to … <kbd className="rounded border border-line px-1 text-xs">Ctrl K</kbd>
          </Button>
          <Theme />
          <span className="px-2 text-muted" title="who you are">
            {user}
          </span>
          <Button tone="quiet" onPress={leave}>
            Sign out
          </Button>
        </div>
      </header>
      <Reach />
      <Frozen />
      <main id="main" className="flex-1" tabIndex={-1}>
        <Outlet />
      </main>
      <Foot />
      <Palette isOpen={isOpen} onClose={() => setOpen(false)} />
    </div>
  );
}

/** The namespace that pages are about: the one in the address, else the one that was chosen last. */
export function useNamespace(): string {
  const { ns } = useParams();
  const [kept] = useKept("namespace", "~");
  return ns ?? kept;
}

function Namespace() {
  const { namespaces, may } = useRights();
  const { ns } = useParams();
  const [kept, keep] = useKept("namespace", "~");
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const at = ns ?? kept;
  const all = may("view", "Run") ? ["~"] : [];
  useEffect(() => {
    if (ns && ns !== kept) keep(ns);
  }, [ns, kept, keep]);
  const go = (next: string) => {
    keep(next);
    const page = /^\/n\/[^/]+\/(runs|plans|budgets)/.exec(pathname)?.[1];
    if (page) navigate(`/n/${next}/${page}`);
  };
  const known = [...all, ...namespaces];
  return (
    <label className="flex items-center gap-2 text-muted">
      <span className="sr-only">Namespace</span>
      <select className="field min-h-7 py-0.5" value={at} onChange={(event) => go(event.target.value)}>
        {(known.includes(at) ? known : [at, ...known]).map((name) => (
          <option key={name} value={name}>
            {name === "~" ? "all namespaces" : name}
          </option>
        ))}
      </select>
    </label>
  );
}

function Links() {
  const ns = useNamespace();
  const { may } = useRights();
  const waiting = useRuns("", { status: "awaitingApproval,running,paused", limit: 200 }, 5_000).data?.items ?? [];
  const count = waiting.filter((run) => run.status === "awaitingApproval" || run.needsPerson).length;
  const links: [to: string, text: string, shown: boolean][] = [
    [`/n/${ns}/runs`, "Runs", true],
    [`/n/${ns}/plans`, "Plans", true],
    ["/inbox", count > 0 ? `Inbox (${count})` : "Inbox", true],
    ["/nodes", "Nodes", may("view", "Node")],
    ["/freezes", "Freezes", may("view", "Freeze")],
    [`/n/${ns}/budgets`, "Budgets", true],
    ["/audit", "Audit", may("view", "Audit")],
    ["/access", "Access", true],
    ["/status", "Status", true],
  ];
  return (
    <nav aria-label="Pages" className="flex flex-wrap gap-0.5">
      {links
        .filter(([, , shown]) => shown)
        .map(([to, text]) => (
          <NavLink
            key={text.split(" ")[0]}
            to={to}
            className={({ isActive }) =>
              `rounded-md px-2.5 py-1 font-medium ${isActive ? "bg-accent-soft text-accent" : "text-muted hover:bg-raised hover:text-text"}`
            }
          >
            {text}
          </NavLink>
        ))}
    </nav>
  );
}

/** Whether what is shown may be old, on every page. */
function Reach() {
  const since = useSyncExternalStore(whenReach, staleSince, () => null);
  return since === null ? null : <div className="sticky top-12 z-20 px-4 py-1"><Stale since={since} /></div>;
}

/** What is frozen is said on every page. */
function Frozen() {
  const { may } = useRights();
  const freezes = useThings<{ metadata: { name: string }; spec: { reason: string } }>("freezes", undefined, undefined, may("view", "Freeze"));
  if (!freezes.data?.length) return null;
  return (
    <div role="status" className="border-b border-warn bg-warn-soft px-4 py-1 text-warn">
      <NavLink to="/freezes" className="font-medium hover:underline">
        ❄ Frozen: {freezes.data.map((freeze) => `${freeze.metadata.name} (${freeze.spec.reason})`).join(", ")}
      </NavLink>
    </div>
  );
}

function Foot() {
  const version = useVersion().data;
  return (
    <footer className="border-t border-line px-4 py-2 text-xs text-muted">
      Windlass {version?.version ?? ""} · <a className="link" href="/api/v1/openapi.json">API</a>
    </footer>
  );
}
