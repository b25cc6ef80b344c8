import { useElements } from "../api/queries";
import { Button } from "../ui/Button";
import { Wrong } from "../ui/Notice";
import type { LiveBoard } from "./live";
import { Timeline } from "./Timeline";

/** The timeline of a run, with the attempts of a target that is looked at. */
export function RunTimeline({
  namespace,
  run,
  live,
  target,
  onTarget,
  onPick,
}: {
  namespace: string;
  run: string;
  live: LiveBoard;
  target: string;
  onTarget: (address: string) => void;
  onPick: (address: string) => void;
}) {
  const elements = useElements(namespace, run, target, live.touchedIn(target));
  return (
    <section className="card" aria-label="Timeline">
      {target !== "" ? (
        <div className="flex items-center gap-3 px-4 pt-3">
          <span>
            With the attempts of <span className="mono font-medium">{target}</span>
          </span>
          <Button tone="quiet" onPress={() => onTarget("")}>
            Without
          </Button>
          {elements.isError ? <Wrong error={elements.error} again={() => void elements.refetch()} /> : null}
        </div>
      ) : null}
      <Timeline board={live.board} target={target === "" ? undefined : elements.data?.items} onPick={onPick} />
    </section>
  );
}
