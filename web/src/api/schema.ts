// Made from docs/reference/openapi.json by `cargo xtask web --types`. Do not edit.

/** A certificate of an agent. */
export type AgentCertificate = {
  /** Its number. */
  serial: string;
  /** The SHA-256 of it, in hexadecimal. */
  fingerprint: string;
  /** When it ends, in microseconds since 1970. */
  notAfter: number;
};

/** Some agents. */
export type AgentPage = {
  /** In the order of their nodes. */
  items: AgentView[];
  /** Behind which node the next page begins, if there is one. */
  next?: string | null;
};

/** What is known of the machine of an agent that is away. */
export type AgentReach = {
  /** What was found. */
  found: Reached;
  /** The nodes whose agents were asked to knock at it. */
  asked: string[];
  /** When, as a text. */
  at: string;
};

/** How an agent stands. */
export type AgentState = "connected" | "away" | "revoked";

/** An agent as it is shown. */
export type AgentView = {
  /** How it stands. */
  state: AgentState;
  /** When it was last known to be so, as a text; none where nobody knows. */
  since?: string | null;
  /** From where it has dialled in. */
  address?: string | null;
  /** What its machine calls itself. */
  host?: string | null;
  /** Its version. */
  version?: string | null;
  /** What is known of its machine, where it is away and that was found out. */
  reach?: AgentReach | null;
  /** Its node. */
  node: string;
  /** When it joined, in microseconds since 1970. */
  joinedAt: number;
  /** From where. */
  joinedFrom: string;
  /** By which token. */
  token: string;
  /** The certificate that counts. */
  certificate: AgentCertificate;
  /** The one that will, when it is first used. */
  next?: AgentCertificate | null;
  /** When it was revoked, if it was. */
  revokedAt?: number | null;
};

/** A run that has a lock or waits for it. Of a run that whoever asks may not see, nothing is said but that there is one. */
export type AtLock = {
  /** The run. */
  run?: string | null;
  /** Its namespace. */
  namespace?: string;
  /** Its plan. */
  plan?: string;
  /** Who submitted it. */
  user?: string;
  /** The sequence, by its address. */
  address?: string;
  /** What goes on in it now, by address. */
  atWork?: string[];
  /** Since when, in milliseconds since 1970. */
  since?: number | null;
};

/** Some of the record. */
export type AuditPage = {
  /** The newest first. */
  items: Entry[];
  /** Before which number the next page begins, if there is one. */
  next?: number | null;
};

/** Whether the record is whole. */
export type AuditVerified = {
  /** Whether every entry follows from the one before. */
  whole: boolean;
  /** How many entries there are, as far as it is whole. */
  entries: number;
  /** Where it is broken, and in what way. */
  broken?: string | null;
};

/** A run as it is drawn. Times are in milliseconds since 1970. */
export type Board = {
  /** The run in short. */
  run: Run;
  /** The number of the newest event in it: what has happened since, the events behind it say. */
  seq: number;
  /** What an approval would be for. */
  digest: string;
  /** When it was drawn. */
  at: number;
  /** The phases of the run. */
  phases: BoardPhase[];
  /** The checks of the plan. */
  checks: BoardPart[];
  /** The blocks. */
  blocks: BoardBlock[];
  /** The deferred batches, and their actions. */
  deferred: BoardPart[];
  /** What people said, in order. */
  notes: BoardNote[];
  /** What failed and did not recover, the first cause first. */
  failures: BoardFailure[];
  /** How many of those there are in all. */
  failed: number;
  /** What waits for a person. */
  asked: BoardFailure[];
  /** What waits for a lock or a budget. */
  held: BoardHeld[];
};

/** An action of a sequence. */
export type BoardAction = {
  /** Its name. */
  name: string;
  /** Its plugin. */
  use: string;
};

/** A batch. */
export type BoardBatch = {
  /** Its number, from 1. */
  n: number;
  /** How many sequences it has. */
  size: number;
  /** How many have failed. */
  failed: number;
  /** Whether it is the canary. */
  canary: boolean;
  /** When it began. */
  began: number;
  /** When it ended. */
  ended?: number | null;
};

/** A block. */
export type BoardBlock = {
  /** Its name. */
  name: string;
  /** Its address. */
  address: string;
  /** How it stands: pending, running, succeeded, failed, skipped or stopped. */
  state: string;
  /** When it began. */
  began?: number | null;
  /** When it ended. */
  ended?: number | null;
  /** How many sequences may be active at once. */
  concurrency: number;
  /** How many may fail; all of them, where it does not say. */
  failures?: number | null;
  /** The most that ever were active at once. */
  peak: number;
  /** How many batches it has, as far as that is known. */
  batchCount: number;
  /** Its batches, the last of them. */
  batches: BoardBatch[];
  /** Its delays and soaks. */
  waits: BoardWait[];
  /** When actions of its sequences were tried again, the last of it. */
  retries: BoardRetries[];
  /** Its phases. */
  phases: BoardPhase[];
  /** Its checks. */
  checks: BoardPart[];
  /** The names and plugins of the actions of a sequence. */
  actions: BoardAction[];
  /** Whether its targets are chosen when it begins, and have not been. */
  choosesLate: boolean;
  /** The names of its sequences: those of nodes, where it has targets. */
  names: string[];
  /** How each of them stands, a letter each: `.` pending, `r` running, `s` succeeded, `c` succeeded and changed something, `f` failed, `k` skipped, `x` stopped, `w` waits for a lock, `?` waits for a person. */
  states: string;
  /** When each began, in milliseconds behind the run; -1 where it has not. */
  begans: number[];
  /** When each ended, in the same way. */
  endeds: number[];
  /** Labels of the targets: each label's values, and by position which of them a target has; -1 for none. */
  labels: Record<string, BoardLabel>;
};

/** A failure. */
export type BoardFailure = {
  /** Whose. */
  address: string;
  /** What it says. */
  message: string;
};

/** Something that waits for others. */
export type BoardHeld = {
  /** What waits. */
  address: string;
  /** For what. */
  lock: string;
  /** Who has it. */
  holder: string;
  /** Since when. */
  since: number;
};

/** A label of targets. */
export type BoardLabel = {
  /** The values that there are. */
  values: string[];
  /** The position of each target's value. */
  of: number[];
};

/** Something that somebody said to the run. */
export type BoardNote = {
  /** When. */
  at: number;
  /** What: started, approved, rejected, resolved, recovered, or a command. */
  what: string;
  /** Who. */
  by: string;
  /** Why, or of what. */
  why?: string;
};

/** A part that is drawn by itself: a check, a deferred action. */
export type BoardPart = {
  /** Its address. */
  address: string;
  /** The slot of checks, or the deferred batch, that it is in. */
  slot: string;
  /** Its plugin; empty for a slot. */
  use?: string;
  /** How it stands. */
  state: string;
  /** When it began. */
  began?: number | null;
  /** When it ended. */
  ended?: number | null;
  /** How many rounds of it there were. */
  rounds?: number;
};

/** A phase of a run or a block. */
export type BoardPhase = {
  /** Which. */
  phase: string;
  /** Since when. */
  at: number;
};

/** A time in which actions that had failed were tried again: each from its first failure to its end. */
export type BoardRetries = {
  /** How many actions. */
  actions: number;
  /** When the first of them had failed. */
  began: number;
  /** When the last of them had ended. */
  ended?: number | null;
};

/** A delay or a soak. */
export type BoardWait = {
  /** Which. */
  wait: string;
  /** From when. */
  from: number;
  /** Until when. */
  until: number;
};

/** An element of a run. Times are in milliseconds since 1970. */
export type Element = {
  /** Its address. */
  address: string;
  /** What sort of element it is. */
  kind: string;
  /** Its plugin, if it calls one. */
  use?: string;
  /** How it stands. */
  state: string;
  /** Why it was unnecessary. */
  skipped?: string | null;
  /** Whether it changed something. */
  changed: boolean;
  /** In a noop: whether it would have. */
  would?: string | null;
  /** In a noop: why. */
  why?: string | null;
  /** In a noop: what it would change. */
  diff?: string | null;
  /** When it began. */
  began?: number | null;
  /** When it ended. */
  ended?: number | null;
  /** Its request; none where it is the plan's own text, or sensitive. */
  request?: unknown;
  /** What it saved. */
  saves?: Record<string, unknown>;
  /** Its attempts; of a check those of its latest round. */
  attempts?: ElementAttempt[];
  /** Whether requests and responses were left out, because there are very many like it. */
  abridged?: boolean;
  /** What a person is asked to settle. */
  asked?: string | null;
  /** What it waits for. */
  waits?: string | null;
};

/** An attempt. */
export type ElementAttempt = {
  /** Its number, from 1. */
  n: number;
  /** When it began. */
  began: number;
  /** When it ended. */
  ended?: number | null;
  /** Whether it changed something. */
  changed: boolean;
  /** What came back. */
  response?: unknown;
  /** Why it failed. */
  error?: ElementError | null;
};

/** Why an attempt failed. */
export type ElementError = {
  /** The code that its plugin gave it. */
  code: string;
  /** In words. */
  message: string;
  /** Whether another attempt is of no use. */
  permanent: boolean;
  /** What lies behind it. */
  causes?: string[];
};

/** Some elements of a run, with everything that is known of them. */
export type ElementPage = {
  /** In the order of the plan. */
  items: Element[];
};

/** What happened, and the chain. */
export type Entry = {
  /** Counted from one. */
  seq: number;
  /** What happened. */
  what: Noted;
  /** The hash of the entry before. */
  previous: string;
  /** The hash of this one: of the one before, the number and what happened. */
  hash: string;
};

/** A value that a nearer one hides. */
export type HiddenVar = {
  /** Who supplies it. */
  from: string;
  /** The value. */
  value: unknown;
};

/** Who somebody is. */
export type Me = {
  /** The name of the user. */
  user: string;
  /** What people call them. */
  displayName?: string;
  /** The groups of people that they belong to. */
  groups: string[];
  /** The namespaces that this token is confined to. */
  namespaces?: string[] | null;
  /** What they may do to runs and plans of the whole cluster. */
  cluster: string[];
  /** What they may do in each namespace that they may look into, such as `submit Run`; under the empty name, what they may do to what is of the whole cluster. */
  rights?: Record<string, string[]>;
};

/** A plan to be rehearsed: in virtual time, with simulated targets. */
export type NewRehearsal = {
  /** The name of a plan of the namespace. */
  plan?: string | null;
  /** A plan written out, instead. */
  document?: unknown;
  /** The step set; `default` unless given. */
  stepSet?: string | null;
  /** The values of its parameters. */
  params?: Record<string, unknown>;
  /** Values of parameters as a person typed them. */
  typedParams?: Record<string, string>;
  /** A selection that the targets of all blocks are narrowed to. */
  selection?: string | null;
  /** Whether it only looks. */
  noop?: boolean;
  /** So many simulated nodes in the place of every selection. */
  targets?: number | null;
  /** What goes wrong: `ADDRESS-GLOB[@ATTEMPTS][%PERCENT][+FROM..TO]=KIND`. */
  faults?: string[];
  /** What random choices are made from. */
  seed?: number | null;
  /** After which events Windlass dies, and goes on from its log. */
  crashAt?: number[];
};

/** Who has the lock of a node, and who waits for it. */
export type NodeLock = {
  /** What it is called. */
  lock: string;
  /** Who has it; none where it is free. */
  holder?: AtLock | null;
  /** Who waits for it, the first in front. */
  waiting?: AtLock[];
};

/** A variable of a node; what is called like a secret is hidden. */
export type NodeVar = {
  /** Its name. */
  key: string;
  /** Its value, as it is written. */
  value: unknown;
  /** Who supplies it. */
  from: string;
  /** Whose values it hides, the nearest first. */
  hides: HiddenVar[];
};

/** The variables of a node. */
export type NodeVars = {
  /** In the order of their names. */
  items: NodeVar[];
};

/** What happened. */
export type Noted = {
  /** When, in microseconds since 1970. */
  at: number;
  /** Who. */
  user: string;
  /** From where: the address of the connection. */
  from: string;
  /** What they did, or wanted to. */
  verb: string;
  /** To what. */
  resource: string;
  /** Whether they could. */
  outcome: Outcome;
  /** What it was before. */
  before?: unknown;
  /** What it was afterwards. */
  after?: unknown;
};

/** Whether somebody could do something. */
export type Outcome = "done" | "denied" | "failed";

/** How a plan stands. */
export type PlanState = {
  /** Its name. */
  plan: string;
  /** From where to watch on. */
  version: number;
  /** What it does, in order; nothing where it was deleted. */
  steps: PlanStep[];
  /** Its newest runs, the newest first. */
  runs: Run[];
  /** How its targets stand by the newest of those runs that each was in. */
  targets: TargetState[];
};

/** A block of a plan. */
export type PlanStep = {
  /** The step set that it belongs to. */
  stepSet: string;
  /** The block. */
  block: string;
  /** What it does on each target, in order. */
  actions: PreviewedAction[];
};

/** What an action would be. */
export type PreviewedAction = {
  /** Its name. */
  name: string;
  /** The plugin. */
  use: string;
};

/** What a block would do. */
export type PreviewedBlock = {
  /** Its name. */
  name: string;
  /** How many sequences it would have. */
  targets: number;
  /** The names of the first of them. */
  first: string[];
  /** Whether it chooses its nodes only when it begins. */
  choosesLate: boolean;
  /** How many sequences are active at once. */
  concurrency: number;
  /** How many may fail; without limit where it does not say. */
  failures?: number | null;
  /** The size of the canary batch. */
  canary?: number | null;
  /** What its first sequence does, in order. */
  actions: PreviewedAction[];
};

/** What was found when it was knocked at a machine. */
export type Reached = "agentDown" | "unreachable" | "down" | "unknown";

/** What of a plugin a real run would have done. */
export type RehearsalTouched = {
  /** The plugin. */
  use: string;
  /** How many attempts. */
  attempts: number;
  /** How long the longest of them took, in milliseconds. */
  longest: number;
};

/** What a rehearsal showed. Times are virtual and count from zero. */
export type Rehearsed = {
  /** The run, as it is drawn. */
  board: Board;
  /** How bad each block can get. */
  worst: WorstCase[];
  /** What a real run would have touched, by plugin. */
  touched: RehearsalTouched[];
  /** How many targets it would have touched. */
  targets: number;
  /** How long it lasted, in milliseconds. */
  lasted: number;
  /** How many events there were. */
  events: number;
  /** Whether it was broken off, because there were too many. */
  brokenOff: boolean;
  /** Faults that are for no action and no check of this plan. */
  idle: string[];
  /** How often Windlass died. */
  crashes: number;
  /** What random choices were made from. */
  seed: number;
};

/** A run in short. */
export type Run = {
  /** Its id. */
  id: string;
  /** The group that it belongs to. */
  group: string;
  /** The run that it retries. */
  retryOf?: string | null;
  /** The name of its plan. */
  plan: string;
  /** The plan's description. */
  description?: string;
  /** The plan's labels. */
  labels?: Record<string, string>;
  /** Its step set. */
  stepSet: string;
  /** Who submitted it. */
  user: string;
  /** How many targets it has in all. */
  targets: number;
  /** Whether it only looks. */
  noop?: boolean;
  /** When it was submitted. */
  submittedAt: string;
  /** When it began. */
  startedAt?: string | null;
  /** When it ended. */
  endedAt?: string | null;
  /** Where it stands: submitted, awaitingApproval, running, paused, succeeded, failed or stopped. */
  status: string;
  /** The first true cause of its failure or stop. */
  reason?: RunReason | null;
  /** What it takes to be approved, where it must be. */
  approval?: RunApproval | null;
  /** The number of the event with which it came to stand there. */
  seq: number;
  /** Whether the server drives it. */
  driven?: boolean;
  /** The addresses of what waits for a person to settle it. */
  asked?: string[];
  /** Whether nothing will go on before a person approves, resumes or settles something. */
  needsPerson?: boolean;
  /** Why it does not go on, if it does not. */
  trouble?: string | null;
};

/** What it takes to be approved, and who has. */
export type RunApproval = {
  /** How many people must agree. */
  quorum: number;
  /** Until when. */
  until: string;
  /** Who has agreed. */
  by?: string[];
};

/** Some runs. */
export type RunPage = {
  /** The newest first. */
  items: Run[];
  /** What the next page is asked for by, if there is one. */
  next?: string | null;
};

/** What a run would do. */
export type RunPreview = {
  /** The name of the plan. */
  plan: string;
  /** The step set. */
  stepSet: string;
  /** How many people must agree before it begins. */
  approvals: number;
  /** Its blocks, in order. */
  blocks: PreviewedBlock[];
  /** What would keep it from beginning now: freezes and policies. */
  refusals: string[];
};

/** The first true cause, in words. */
export type RunReason = {
  /** What sort of thing it was. */
  kind: string;
  /** The address of the element whose failure it was; empty for the run itself. */
  address: string;
  /** That failure's own message. */
  message: string;
};

/** A session of a browser. What opens it is in a cookie. */
export type Session = {
  /** Whose. */
  user: string;
  /** What is sent as `X-Windlass-CSRF` with all that changes something. */
  csrf: string;
  /** When it ends at the latest, in microseconds since 1970. */
  endsAt: number;
};

/** A run that is taken in. */
export type Submitted = {
  /** Its id. */
  run: string;
  /** The group that it belongs to. */
  group: string;
  /** What an approval would be for: plan, parameters and targets exactly as they are. */
  digest: string;
  /** Why it does not begin yet, if it does not but by itself will. */
  waits?: string | null;
};

/** How a target stands in a block. */
export type TargetState = {
  /** The node. */
  node: string;
  /** The block. */
  block: string;
  /** In which run. */
  run: string;
  /** How it stands there. */
  status: string;
};

/** Tokens. */
export type Tokens = {
  /** In the order of their ids. */
  items: TokenView[];
};

/** A token as it is listed. */
export type TokenView = {
  /** What it is called. */
  id: string;
  /** Whose. */
  user: string;
  /** What it is for. */
  note: string;
  /** When it was made, in microseconds since 1970. */
  createdAt: number;
  /** When it ends. */
  expiresAt?: number | null;
  /** The namespaces that it is confined to. */
  namespaces?: string[] | null;
  /** What it is confined to doing. */
  verbs?: string[] | null;
  /** The groups that a provider of identities said that they are in, when they signed in there. */
  groups?: string[];
};

/** Which version a server is. */
export type Version = {
  /** Of the program. */
  version: string;
};

/** How bad a block can get. */
export type WorstCase = {
  /** The address of the block. */
  block: string;
  /** The most that can fail. */
  failed: number;
  /** Of so many. */
  total: number;
  /** In words. */
  words: string;
};
