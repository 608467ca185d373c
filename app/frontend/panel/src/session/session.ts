/** Who is logged in, and the one gateway to the staff API: adds the CSRF token, survives the end of a session. */
import { ApiError, request, type RequestOptions } from "@lockstep/shared/http.ts";
import { newKey } from "@lockstep/shared/intention.ts";
import type { Session, User } from "@lockstep/shared/types.ts";
import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";
import { attendance } from "./attended.ts";
import type { PasskeyAnswer } from "./passkey.ts";

/** @param eventIds of what a write has changed, as the server names them. */
type WriteListener = (eventIds: string[]) => void;

/** What a dialog asks for. Several requests may need it; one dialog serves them all. */
function question() {
  const isOpen = ref(false);
  let waiting: { promise: Promise<boolean>; done: (answer: boolean) => void } | null = null;

  function ask(): Promise<boolean> {
    if (!waiting) {
      let done: (answer: boolean) => void = () => undefined;
      const promise = new Promise<boolean>((resolve) => (done = resolve));
      waiting = { promise, done };
      isOpen.value = true;
    }
    return waiting.promise;
  }

  function settle(answer: boolean): void {
    isOpen.value = false;
    waiting?.done(answer);
    waiting = null;
  }

  return { isOpen, ask, settle };
}

export const useSessionStore = defineStore("session", () => {
  const session = shallowRef<Session | null>(null);
  const user = computed<User | null>(() => session.value?.user ?? null);
  /** The log-in dialog is open over the page. */
  const login = question();
  /** The dialog that asks somebody to prove who they are once more is open over the page. */
  const proof = question();
  /** Incremented with every log-in, so that the live feed reconnects with the new cookie. */
  const logins = ref(0);
  const writeListeners = new Set<WriteListener>();

  /** @returns whether there is a session already. @throws ApiError if the server cannot be asked. */
  async function load(): Promise<boolean> {
    try {
      const found = await request<Session>("/auth/me");
      if (found.csrf_token !== session.value?.csrf_token) logins.value += 1;
      session.value = found;
      return true;
    } catch (error) {
      if (error instanceof ApiError && (error.status === 401 || error.status === 403)) return false;
      throw error;
    }
  }

  /** @param code of the second factor, once it has been asked for. */
  async function logIn(email: string, password: string, code = ""): Promise<void> {
    session.value = await request<Session>("/auth/login", { method: "POST", body: { email, password, ...(code ? { code } : {}) } });
    logins.value += 1;
    settle(true);
  }

  async function logInByPasskey(answer: PasskeyAnswer): Promise<void> {
    session.value = await request<Session>("/auth/login/passkey", { method: "POST", body: answer });
    logins.value += 1;
    settle(true);
  }

  /** For ten minutes what is dangerous is done without asking. @throws ApiError, with what is wrong at its field. */
  async function prove(by: { password: string; code?: string } | { passkey: PasskeyAnswer }): Promise<void> {
    await api("/auth/step-up", { method: "POST", body: by });
    proof.settle(true);
  }

  /** All sessions of this person end, and a new one takes the place of this one. @throws ApiError, with what is wrong at its field. */
  async function changePassword(current: string, wanted: string): Promise<void> {
    session.value = await api<Session>("/auth/password", { method: "PUT", body: { current_password: current, new_password: wanted } });
    logins.value += 1;
    // The live feed may have seen the old session end first, and asked for a log-in.
    settle(true);
  }

  async function logOut(): Promise<void> {
    try {
      await send("/auth/logout", { method: "POST", body: {} });
    } catch (error) {
      // The session is gone already, or the server is unreachable: log out locally all the same.
      if (!(error instanceof ApiError)) throw error;
    }
    forget();
  }

  /** Abandons the log-in dialog, and with it the page. */
  function forget(): void {
    session.value = null;
    settle(false);
  }

  /** A log-in proves, too, who somebody is. */
  function settle(loggedIn: boolean): void {
    login.settle(loggedIn);
    proof.settle(loggedIn);
  }

  async function api<T>(path: string, asked: RequestOptions = {}): Promise<T> {
    // Whatever is sent again below is the same call.
    const options = { key: newKey(), ...asked };
    try {
      return await send<T>(path, options);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 401) {
        if (await login.ask()) return await send<T>(path, options);
      } else if (error.code === "step_up_required") {
        if (await proof.ask()) return await send<T>(path, options);
      } else if (error.status === 403) {
        // Another tab may have logged in again, so that the token held here is the old session's.
        const token = session.value?.csrf_token;
        if ((await load()) && session.value?.csrf_token !== token) return await send<T>(path, options);
      }
      throw error;
    }
  }

  function send<T>(path: string, options: RequestOptions): Promise<T> {
    const unsafe = options.method !== undefined && options.method !== "GET";
    const token = session.value?.csrf_token;
    const headers: Record<string, string> = unsafe && token ? { "X-CSRF-Token": token } : {};
    return request<T>(path, { ...options, headers: { ...headers, ...attendance(), ...options.headers }, heads: unsafe ? heads : undefined });
  }

  function heads(headers: Headers): void {
    const eventIds = headers.get("X-Event-IDs")?.split(",") ?? [];
    // In a task of its own: what was saved is shown as saved first.
    if (eventIds.length > 0) setTimeout(() => writeListeners.forEach((listener) => listener(eventIds)));
  }

  /** Calls `listener` after every write that has changed something. */
  function onWrite(listener: WriteListener): void {
    writeListeners.add(listener);
  }

  /** The live feed was refused: check whether the session has ended. */
  async function check(): Promise<void> {
    if (login.isOpen.value || !session.value) return;
    try {
      await api<Session>("/auth/me");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }

  return { user, loginNeeded: login.isOpen, proofNeeded: proof.isOpen, leaveUnproven: () => proof.settle(false), logins, load, logIn, logInByPasskey, prove, changePassword, logOut, forget, api, check, onWrite };
});
