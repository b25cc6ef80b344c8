import { type Action, actionsOf, type Block, blocksOf, limitsIn, type PlanSpec, SLOTS, targetsIn } from "./plan";

/** A plan as a picture: what comes after what, what guards it, how far it may go wrong, and how it is taken back. */
export function Picture({ spec, stepSet }: { spec: PlanSpec; stepSet: string }) {
  const blocks = blocksOf(spec, stepSet);
  return (
    <div className="flex flex-col items-start gap-0">
      {spec.approval ? (
        <>
          <Card tone="warn" title={`${spec.approval.quorum ?? 1} must approve`}>
            {spec.approval.expires ? `within ${spec.approval.expires}` : null}
          </Card>
          <Arrow />
        </>
      ) : null}
      <Checks checks={spec.checks} slots={["bypass", "pre"]} of="the plan" />
      <div className="flex w-full gap-3">
        <div className="flex min-w-0 flex-1 flex-col">
          {blocks.map((block, at) => (
            <div key={block.name}>
              {at > 0 ? <Arrow /> : null}
              <OneBlock block={block} />
            </div>
          ))}
        </div>
        {spec.checks?.["continuous"]?.length ? (
          <div className="w-56 rounded-lg border border-dashed border-run p-3">
            <p className="font-medium text-run">All the while</p>
            <ActionList actions={spec.checks["continuous"]} />
          </div>
        ) : null}
      </div>
      {spec.checks?.["post"]?.length ? <Arrow /> : null}
      <Checks checks={spec.checks} slots={["post"]} of="the plan" />
      {spec.deferred?.length || spec.checks?.["deferred"]?.length ? (
        <>
          <Arrow label="whatever has happened" />
          {(spec.deferred ?? []).map((batch) => (
            <Card key={batch.name} title={`deferred: ${batch.name}`}>
              <ActionList actions={batch.actions} />
            </Card>
          ))}
          <Checks checks={spec.checks} slots={["deferred"]} of="the plan" />
        </>
      ) : null}
    </div>
  );
}

function OneBlock({ block }: { block: Block }) {
  const actions = actionsOf(block);
  return (
    <section className="card w-full overflow-hidden" aria-label={`Block ${block.name}`}>
      <div className="border-b border-line bg-raised px-4 py-2">
        <h3 className="font-semibold">{block.name}</h3>
        <p className="text-muted">on {targetsIn(block)}</p>
        <ul className="mt-1 flex flex-wrap gap-1.5">
          {limitsIn(block).map((limit) => (
            <li key={limit} className="rounded-full border border-line bg-panel px-2 text-sm">{limit}</li>
          ))}
        </ul>
      </div>
      <div className="px-4 py-3">
        {block.entranceDelay ? <p className="text-muted">waits {block.entranceDelay} first</p> : null}
        <Checks checks={block.checks} slots={["bypass", "pre"]} of={block.name} />
        <div className="flex flex-wrap items-stretch gap-2">
          {actions.map((action, at) => (
            <div key={action.name} className="flex items-stretch gap-2">
              {at > 0 ? <span aria-hidden className="self-center text-muted">→</span> : null}
              <OneAction action={action} />
            </div>
          ))}
          {actions.length === 0 ? <span className="text-muted">no actions</span> : null}
        </div>
        {(block.sequences?.length ?? 0) > 1 ? <p className="mt-1 text-muted">and {(block.sequences?.length ?? 1) - 1} more sequences</p> : null}
        <div className="mt-2">
          <Checks checks={block.checks} slots={["continuous", "post", "deferred"]} of={block.name} />
        </div>
      </div>
    </section>
  );
}

function OneAction({ action }: { action: Action }) {
  return (
    <div className="min-w-36 rounded-md border border-line px-3 py-1.5">
      <p className="font-medium">{action.name}</p>
      <p className="mono text-muted">{action.use}</p>
      {action.when !== undefined ? <p className="text-sm text-muted">when {String(action.when)}</p> : null}
      {action.undo ? (
        <p className="mt-1 border-t border-line pt-1 text-sm text-stop">
          ↶ {action.undo.name ?? "undo"} <span className="mono">{action.undo.use}</span>
        </p>
      ) : null}
    </div>
  );
}

function Checks({ checks, slots, of }: { checks: Record<string, Action[]> | undefined; slots: readonly (typeof SLOTS)[number][]; of: string }) {
  const words: Record<string, string> = {
    bypass: "If all of this is so already, it is left out",
    pre: "Must be so before",
    continuous: "Must stay so all the while",
    post: "Must be so afterwards",
    deferred: "Looked at in the end",
  };
  return slots
    .filter((slot) => checks?.[slot]?.length)
    .map((slot) => (
      <div key={slot} className="mb-2 rounded-md border border-dashed border-strong px-3 py-1.5" title={`${slot} checks of ${of}`}>
        <p className="text-sm text-muted">{words[slot]}</p>
        <ActionList actions={checks?.[slot] ?? []} />
      </div>
    ));
}

function ActionList({ actions }: { actions: Action[] }) {
  return (
    <ul>
      {actions.map((action) => (
        <li key={action.name}>
          {action.name} <span className="mono text-muted">{action.use}</span>
        </li>
      ))}
    </ul>
  );
}

function Card({ title, tone, children }: { title: string; tone?: "warn"; children?: React.ReactNode }) {
  return (
    <div className={`card px-4 py-2 ${tone === "warn" ? "border-warn" : ""}`}>
      <p className={`font-medium ${tone === "warn" ? "text-warn" : ""}`}>{title}</p>
      <div className="text-muted">{children}</div>
    </div>
  );
}

function Arrow({ label }: { label?: string }) {
  return (
    <div className="flex items-center gap-2 py-1 pl-6 text-muted">
      <span aria-hidden>↓</span>
      {label ? <span className="text-sm">{label}</span> : null}
    </div>
  );
}
