/** Requests: in the session of the cookie, with problems as errors. */
import { isFound, isLost } from "./reach";

export interface OneProblem {
  code: string;
  address: string;
  pointer: string;
  message: string;
  hint?: string | null;
}

/** What the server says is wrong. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string | undefined;
  readonly problems: OneProblem[];

  constructor(status: number, code: string, detail: string, hint?: string, problems: OneProblem[] = []) {
    super(detail);
    this.status = status;
    this.code = code;
    this.hint = hint;
    this.problems = problems;
  }
}

let csrf = "";
let onSignedOut: () => void = () => {};

/** What is sent along with what changes something. */
export function setCsrf(word: string): void {
  csrf = word;
}

/** Who is told that the session has ended. */
export function whenSignedOut(then: () => void): void {
  onSignedOut = then;
}

export interface Asking {
  method?: string;
  body?: unknown;
  media?: string;
  signal?: AbortSignal;
}

const REQUESTS = "requests";
/** How long an answer to something that is only read may take before the server counts as gone. */
const PATIENCE = 10_000;

/** Asks, and reads JSON. */
export async function ask<T>(path: string, asking: Asking = {}): Promise<T> {
  const isRead = asking.method === undefined;
  const late = isRead ? setTimeout(() => isLost(REQUESTS), PATIENCE) : undefined;
  try {
    const response = await send(path, asking);
    if (response.status === 204) return undefined as T;
    return (await response.json()) as T;
  } finally {
    clearTimeout(late);
  }
}

/** Asks; what is wrong is thrown. */
export async function send(path: string, asking: Asking = {}): Promise<Response> {
  const method = asking.method ?? "GET";
  const headers: Record<string, string> = {};
  if (asking.body !== undefined) headers["content-type"] = asking.media ?? "application/json";
  if (method !== "GET") headers["x-windlass-csrf"] = csrf;
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers,
      credentials: "same-origin",
      ...(asking.body === undefined ? {} : { body: JSON.stringify(asking.body) }),
      ...(asking.signal ? { signal: asking.signal } : {}),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    isLost(REQUESTS);
    throw new Problem(0, "WL-1007", "the server cannot be reached", "it is tried again by itself");
  }
  isFound(REQUESTS);
  if (response.ok) return response;
  const problem = await problemOf(response);
  if (response.status === 401 && !path.endsWith("/sessions")) onSignedOut();
  throw problem;
}

async function problemOf(response: Response): Promise<Problem> {
  try {
    const said = (await response.json()) as {
      code?: string;
      detail?: string;
      hint?: string | null;
      problems?: OneProblem[];
    };
    return new Problem(
      response.status,
      said.code ?? "",
      said.detail ?? response.statusText,
      said.hint ?? undefined,
      said.problems ?? [],
    );
  } catch {
    return new Problem(response.status, "", `the server answers ${response.status} ${response.statusText}`);
  }
}

/** A path with names put in, and what is behind its `?`. */
export function path(
  parts: readonly string[],
  query: Record<string, string | number | boolean | undefined | null> = {},
): string {
  const asked = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "") asked.set(key, String(value));
  }
  const text = asked.toString();
  return `/api/v1/${parts.map(encodeURIComponent).join("/")}${text ? `?${text}` : ""}`;
}
