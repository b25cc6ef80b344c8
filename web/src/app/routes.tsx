import { createBrowserRouter, Navigate } from "react-router";
import { Broken } from "./Broken";
import { Shell } from "./Shell";
import { SignIn } from "./SignIn";

/** Each page comes when it is first looked at. */
export const router = createBrowserRouter(
  [
    { path: "/sign-in", Component: SignIn, ErrorBoundary: Broken },
    {
      path: "/",
      Component: Shell,
      ErrorBoundary: Broken,
      HydrateFallback: () => null,
      children: [
        { index: true, element: <Navigate to="/n/~/runs" replace /> },
        { path: "n/:ns/runs", lazy: async () => ({ Component: (await import("../runs/RunsPage")).RunsPage }) },
        { path: "n/:ns/runs/:run", lazy: async () => ({ Component: (await import("../runs/RunPage")).RunPage }) },
        { path: "n/:ns/plans", lazy: async () => ({ Component: (await import("../plans/PlansPage")).PlansPage }) },
        { path: "n/:ns/plans/:plan", lazy: async () => ({ Component: (await import("../plans/PlanPage")).PlanPage }) },
        {
          path: "n/:ns/plans/:plan/rehearse",
          lazy: async () => ({ Component: (await import("../rehearse/RehearsePage")).RehearsePage }),
        },
        { path: "n/:ns/budgets", lazy: async () => ({ Component: (await import("../guard/BudgetsPage")).BudgetsPage }) },
        { path: "inbox", lazy: async () => ({ Component: (await import("../inbox/InboxPage")).InboxPage }) },
        { path: "nodes", lazy: async () => ({ Component: (await import("../nodes/NodesPage")).NodesPage }) },
        { path: "nodes/:node", lazy: async () => ({ Component: (await import("../nodes/NodePage")).NodePage }) },
        { path: "freezes", lazy: async () => ({ Component: (await import("../guard/FreezesPage")).FreezesPage }) },
        { path: "audit", lazy: async () => ({ Component: (await import("../audit/AuditPage")).AuditPage }) },
        { path: "access", lazy: async () => ({ Component: (await import("../access/AccessPage")).AccessPage }) },
        { path: "status", lazy: async () => ({ Component: (await import("../status/StatusPage")).StatusPage }) },
        { path: "*", lazy: async () => ({ Component: (await import("./Nowhere")).Nowhere }) },
      ],
    },
  ],
  { basename: "/ui" },
);
