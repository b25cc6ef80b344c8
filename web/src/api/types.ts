/** The types of the API, by the names that pages use. They are made from its document. */
export type {
  AgentPage, AgentView, AtLock, AuditPage, Board, BoardBlock, BoardPart, Element, ElementPage, Me, NewRehearsal, NodeLock, NodeVars, PlanState, Rehearsed, Run, RunPage,
  RunPreview, Session, Submitted, Tokens, Version,
} from "./schema";

/** An object of some kind. */
export interface Thing<Spec = Record<string, unknown>, Status = unknown> {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string | null;
    uid: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    version: number;
    createdAt: string;
    updatedAt: string;
  };
  spec: Spec;
  status?: Status;
}

export interface ThingPage<T = Thing> {
  items: T[];
  next?: string | null;
  version: number;
}

/** An event of a run, as it is shown. */
export interface RunEvent {
  seq: number;
  at: string;
  kind: string;
  address: string;
  status?: string;
  changed?: boolean;
  message?: string;
  by?: string;
  why?: string;
  n?: number;
  wait?: string;
  until?: string;
  lock?: string;
  holder?: string;
  phase?: string;
  command?: string;
  error?: { code: string; message: string; permanent: boolean };
  [key: string]: unknown;
}
