/** Who is logged in, and the one door to the API: it adds the CSRF token and survives the end of a session. */
import { ApiError, request, type RequestOptions } from "@lockstep/shared/http.ts";
import type { Session, User } from "@lockstep/shared/types.ts";
import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";

export const useSessionStore = defineStore("session", () => {
  const session = shallowRef<Session | null>(null);
  const user = computed<User | null>(() => session.value?.user ?? null);
  /** The log-in dialog is open over the page. */
  const loginNeeded = ref(false);
  /** Grows with every log-in, so that the live feed knows to use the new cookie. */
  const logins = ref(0);
  let waiting: { promise: Promise<boolean>; done: (loggedIn: boolean) => void } | null = null;

  /** @returns whether a session is there already. @throws ApiError if the server cannot be asked. */
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

  async function logIn(email: string, password: string): Promise<void> {
    session.value = await request<Session>("/auth/login", { method: "POST", body: { email, password } });
    logins.value += 1;
    settle(true);
  }

  async function logOut(): Promise<void> {
    try {
      await send("/auth/logout", { method: "POST", body: {} });
    } catch (error) {
      // Nothing to end any more, or nobody to tell: it ends here all the same.
      if (!(error instanceof ApiError)) throw error;
    }
    forget();
  }

  /** Gives up the log-in dialog, and with it the page. */
  function forget(): void {
    session.value = null;
    settle(false);
  }

  function settle(loggedIn: boolean): void {
    loginNeeded.value = false;
    waiting?.done(loggedIn);
    waiting = null;
  }

  /** Several requests may find the session gone; one dialog serves them all. */
  function logInAgain(): Promise<boolean> {
    if (!waiting) {
      let done: (loggedIn: boolean) => void = () => undefined;
      const promise = new Promise<boolean>((resolve) => (done = resolve));
      waiting = { promise, done };
      loginNeeded.value = true;
    }
    return waiting.promise;
  }

  async function api<T>(path: string, options: RequestOptions = {}): Promise<T> {
    try {
      return await send<T>(path, options);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 401) {
        if (await logInAgain()) return await send<T>(path, options);
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
    return request<T>(path, { ...options, headers: { ...headers, ...options.headers } });
  }

  /** The live feed was refused: is it the session? */
  async function check(): Promise<void> {
    if (loginNeeded.value || !session.value) return;
    try {
      await api<Session>("/auth/me");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }

  return { user, loginNeeded, logins, load, logIn, logOut, forget, api, check };
});
