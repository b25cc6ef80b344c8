import { ask, Problem, path, setCsrf } from "../api/client";
import { client } from "../api/queries";
import type { Session } from "../api/types";

/** The session of this browser's cookie; none where nobody has signed in. */
export async function current(): Promise<Session | null> {
  try {
    const session = await ask<Session>(path(["sessions", "current"]));
    setCsrf(session.csrf);
    return session;
  } catch (error) {
    if (error instanceof Problem && (error.status === 401 || error.status === 404)) return null;
    throw error;
  }
}

export async function signIn(how: { user: string; password: string } | { token: string }): Promise<Session> {
  const session = await ask<Session>(path(["sessions"]), { method: "POST", body: how });
  setCsrf(session.csrf);
  client.clear();
  return session;
}

export async function signOut(): Promise<void> {
  await ask(path(["sessions", "current"]), { method: "DELETE" });
  setCsrf("");
  client.clear();
}
