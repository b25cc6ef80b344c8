import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { send } from "../api/client";
import { useVersion } from "../api/queries";
import { useRights } from "../lib/rights";
import { bytes, grouped } from "../lib/words";
import { Loading, Wrong } from "../ui/Notice";
import { Page, Part } from "../ui/Page";
import { read, type Sample, sum } from "./metrics";
import { Plot } from "./Plot";

const EVERY = 2_000;
const KEPT = 300;

interface Seen {
  at: number;
  samples: Sample[];
}

/** How the server itself does: measured while this page is open. */
export function StatusPage() {
  const { may } = useRights();
  const version = useVersion().data;
  const [seen, setSeen] = useState<Seen[]>([]);
  const health = useQuery({
    queryKey: ["readyz"],
    queryFn: async () => (await fetch("/readyz")).text(),
    refetchInterval: EVERY,
  });
  const metrics = useQuery({
    queryKey: ["metrics"],
    queryFn: async () => ({ at: Date.now(), samples: read(await (await send("/metrics")).text()) }),
    refetchInterval: EVERY,
    enabled: may("view", "Server"),
  });
  const newest = metrics.data;
  useEffect(() => {
    if (newest) setSeen((before) => [...before, newest].slice(-KEPT));
  }, [newest]);
  const times = seen.map((one) => one.at);
  const value = (name: string, labels?: Record<string, string>) => seen.map((one) => sum(one.samples, name, labels));
  const rate = (name: string, labels?: Record<string, string>) =>
    seen.map((one, at) => {
      const before = seen[at - 1];
      return before ? Math.max(0, (sum(one.samples, name, labels) - sum(before.samples, name, labels)) / ((one.at - before.at) / 1000)) : null;
    });
  const mean = (name: string) => {
    const [sums, counts] = [rate(`${name}_sum`), rate(`${name}_count`)];
    return sums.map((total, at) => (total !== null && counts[at] ? (total / counts[at]) * 1000 : null));
  };
  return (
    <Page title="Status of the server">
      <Part title={`Windlass ${version?.version ?? ""}`}>
        <div className="px-4 py-3">
          <p>
            {health.isError ? <span className="font-medium text-bad">It does not answer.</span> : <span className={health.data?.includes("ok") || health.data?.includes("ready") ? "text-ok" : "text-bad"}>{health.data}</span>}
          </p>
        </div>
      </Part>
      {may("view", "Server") ? null : <p className="text-muted">More is shown to those who may view Server.</p>}
      {metrics.isError ? <Wrong error={metrics.error} again={() => void metrics.refetch()} /> : null}
      {may("view", "Server") && !newest && !metrics.isError ? <Loading what="metrics" /> : null}
      {newest ? (
        <>
          <div className="grid grid-cols-1 gap-4 lg:grid-cols-2">
            <Plot title="Requests a second" times={times} lines={[{ name: "requests", values: rate("windlass_api_requests_total"), colour: "run" }]} />
            <Plot title="Milliseconds a request" times={times} lines={[{ name: "mean", values: mean("windlass_api_request_duration_seconds"), colour: "accent" }]} />
            <Plot title="Runs under way" times={times} lines={[{ name: "runs", values: value("windlass_runs"), colour: "run" }, { name: "attempts", values: value("windlass_attempts_in_flight"), colour: "changed" }]} />
            <Plot title="Flushes of the disk a second" times={times} lines={[{ name: "flushes", values: rate("windlass_store_flush_duration_seconds_count"), colour: "stop" }]} />
            <Plot title="Milliseconds a flush" times={times} lines={[{ name: "mean", values: mean("windlass_store_flush_duration_seconds"), colour: "warn" }]} />
            <Plot title="Agents" times={times} lines={[{ name: "connected", values: value("windlass_agents_connected"), colour: "ok" }]} />
          </div>
          <Part title="Everything that is measured">
            <details className="px-4 py-2">
              <summary className="cursor-pointer text-muted">{grouped(newest.samples.length)} values</summary>
              <table className="list">
                <tbody>
                  {newest.samples.filter((sample) => !sample.name.endsWith("_bucket")).map((sample, at) => (
                    <tr key={at}>
                      <td className="mono">{sample.name}</td>
                      <td className="mono text-muted">{Object.entries(sample.labels).map(([key, one]) => `${key}=${one}`).join(" ")}</td>
                      <td className="text-right tabular-nums">{sample.name.endsWith("_bytes") ? bytes(sample.value) : sample.value}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </details>
          </Part>
        </>
      ) : null}
    </Page>
  );
}
