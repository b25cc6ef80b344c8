/** Faults as Windlass reads them: `ADDRESS-GLOB[@ATTEMPTS][%PERCENT][+FROM..TO]=KIND`. */

export type Kind = "fail" | "permanent" | "hang" | "stubborn" | "slow";

export interface Fault {
  address: string;
  /** Which attempts; every one where it is empty. */
  attempts: string;
  percent: string;
  /** From when to when, such as `5m..6m`. */
  window: string;
  kind: Kind;
  /** How long, where it is slow. */
  length: string;
}

export const KINDS: readonly (readonly [Kind, string])[] = [
  ["fail", "fails"],
  ["permanent", "fails for good"],
  ["hang", "hangs until its timeout"],
  ["stubborn", "hangs, and must be killed"],
  ["slow", "is slow"],
];

export function write(fault: Fault): string {
  const attempts = fault.attempts ? `@${fault.attempts}` : "";
  const percent = fault.percent ? `%${fault.percent}` : "";
  const window = fault.window ? `+${fault.window}` : "";
  const kind = fault.kind === "slow" ? `slow:${fault.length || "60s"}` : fault.kind;
  return `${fault.address}${attempts}${percent}${window}=${kind}`;
}

const FORM = /^([^@%+=]+)(?:@([^%+=]+))?(?:%([^+=]+))?(?:\+([^=]+))?=(fail|permanent|hang|stubborn|slow)(?::(.+))?$/;

export function read(text: string): Fault | null {
  const found = FORM.exec(text.trim());
  if (!found) return null;
  const [, address = "", attempts = "", percent = "", window = "", kind = "fail", length = ""] = found;
  return { address, attempts, percent, window, kind: kind as Kind, length };
}

/** The same as a shell script that fails when the rehearsal comes out otherwise. */
export function script(of: {
  plan: string;
  faults: string[];
  params: Record<string, string>;
  stepSet: string;
  targets: string;
  seed: string;
  status: string;
  blocks: { name: string; failed: number; peak: number }[];
}): string {
  const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  const flags = [
    ...Object.entries(of.params).map(([name, value]) => `-p ${quote(`${name}=${value}`)}`),
    ...(of.stepSet === "default" ? [] : [`--stepset ${of.stepSet}`]),
    ...(of.targets ? [`--targets ${of.targets}`] : []),
    ...(of.seed ? [`--seed ${of.seed}`] : []),
    ...of.faults.map((fault) => `--fault ${quote(fault)}`),
  ];
  return [
    "#!/usr/bin/env bash",
    `# A rehearsal of ${of.plan}: nothing is touched.`,
    "set -euo pipefail",
    `seen=$(windlass rehearse ${of.plan}.yaml --output json \\`,
    ...flags.map((flag) => `  ${flag} \\`),
    "  || true)",
    `jq -e '.run.status == "${of.status}"' <<< "$seen"`,
    ...of.blocks.flatMap((block, at) => [
      `jq -e '.limits[${at}].failed <= ${block.failed}' <<< "$seen"       # ${block.name}`,
      `jq -e '.limits[${at}].peakActive <= ${block.peak}' <<< "$seen"`,
    ]),
    "",
  ].join("\n");
}
