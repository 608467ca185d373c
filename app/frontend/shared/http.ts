/** The API over fetch: JSON in, JSON out, and every failure an ApiError that can be shown. */
import { newKey } from "./intention.ts";
import type { CurrentState, Problem, Withdrawn } from "./types.ts";

const BASE = "/api/v1";
const TIMEOUT_MS = 15_000;

type QueryValue = string | number | boolean | null | undefined;

/** A list is the name once for each of its values. */
export type Query = Readonly<Record<string, QueryValue | readonly QueryValue[]>>;

export interface RequestOptions {
  method?: "GET" | "POST" | "PUT" | "DELETE";
  query?: Query;
  body?: unknown;
  headers?: Record<string, string>;
  /** The idempotency key of an unsafe call that may be sent again; without one it gets a key of its own. */
  key?: string;
  signal?: AbortSignal | undefined;
  /** Is given the headers of an answer that is no failure. */
  heads?: ((headers: Headers) => void) | undefined;
}

/** A failure that the API explained, or (status 0) a response that never arrived intact. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly requestId: string | null;
  readonly errors: Record<string, string[]>;
  readonly current: CurrentState | null;
  /** The part that has a value which must be unique. */
  readonly takenBy: { part_id: number; archived: boolean } | null;
  /** What is said instead of a part that is no longer sold. */
  readonly withdrawn: Withdrawn | null;
  readonly retryAfterSeconds: number | null;

  constructor(problem: Partial<Problem> & { status: number }, extra: { requestId?: string | null; retryAfterSeconds?: number | null } = {}) {
    super(problem.detail ?? problem.title ?? "");
    this.name = "ApiError";
    this.status = problem.status;
    this.code = problem.code ?? (problem.status === 0 ? "network" : `http_${problem.status}`);
    this.requestId = problem.request_id ?? extra.requestId ?? null;
    this.errors = problem.errors ?? {};
    this.current = problem.current ?? null;
    this.takenBy = problem.taken_by ?? null;
    this.withdrawn = problem.withdrawn ?? null;
    this.retryAfterSeconds = extra.retryAfterSeconds ?? null;
  }

  /** There was no usable response, so it is unknown whether a write happened. */
  get isNetwork(): boolean {
    return this.status === 0;
  }
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** @returns the header that asks for explanations in the language of the page. */
export function inItsLanguage(): { "Accept-Language"?: string } {
  const { lang } = document.documentElement;
  return lang ? { "Accept-Language": lang } : {};
}

export function withQuery(path: string, query: Query = {}): string {
  const params = new URLSearchParams();
  for (const [name, values] of Object.entries(query)) {
    for (const value of Array.isArray(values) ? (values as readonly QueryValue[]) : [values as QueryValue]) {
      if (value !== null && value !== undefined && value !== "" && value !== false) params.append(name, String(value));
    }
  }
  const text = params.toString();
  return text ? `${path}?${text}` : path;
}

/** How far this machine's clock is ahead of the server's, in milliseconds, as far as any answer has told. */
let ahead = 0;

/** @returns when that was by the server's clock, which this machine's may differ from; never later. */
export function serverTime(local: number): number {
  return local - ahead;
}

/** An answer that came with the page. */
export interface Held {
  path: string;
  query: Query;
  body: unknown;
  status: number;
}

/** By the address that they are the answer of. */
const held = new Map<string, Held>();

/**
 * Has the next request for each of these addresses answered by what came with the page.
 * @returns a function that forgets those that nobody has asked for: later they would be old.
 */
export function hold(answers: Iterable<Held>): () => void {
  for (const one of answers) held.set(withQuery(one.path, one.query), one);
  return () => held.clear();
}

export async function request<T>(path: string, { method = "GET", query, body, headers, key, signal, heads }: RequestOptions = {}): Promise<T> {
  const address = withQuery(path, query);
  const came = method === "GET" && held.get(address);
  if (came) {
    held.delete(address);
    if (came.status >= 400) throw new ApiError({ ...(came.body as Partial<Problem>), status: came.status });
    return came.body as T;
  }
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  let response: Response;
  try {
    response = await fetch(BASE + address, {
      method,
      credentials: "same-origin",
      headers: {
        Accept: "application/json, application/problem+json",
        ...inItsLanguage(),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...(method === "GET" ? {} : { "Idempotency-Key": key ?? newKey() }),
        ...headers,
      },
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError({ status: 0 });
  }
  const told = Date.parse(response.headers.get("Date") ?? "");
  // In whole seconds, and on its way for a while: so this machine's clock seems to be ahead by a little, and never behind.
  if (!Number.isNaN(told)) ahead = Date.now() - told;
  if (!response.ok) throw await problemOf(response);
  const answer = response.status === 204 ? undefined : await readJson(response);
  heads?.(response.headers);
  return answer as T;
}

async function readJson(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    throw new ApiError({ status: 0 }, { requestId: response.headers.get("X-Request-ID") });
  }
}

async function problemOf(response: Response): Promise<ApiError> {
  const problem = (await response.json().catch(() => ({}))) as Partial<Problem>;
  return new ApiError(
    { ...problem, status: response.status },
    { requestId: response.headers.get("X-Request-ID"), retryAfterSeconds: retryAfter(response.headers.get("Retry-After")) },
  );
}

/** Retry-After is a number of seconds, or a date. */
export function retryAfter(header: string | null, now = Date.now()): number | null {
  if (!header) return null;
  if (/^\d+$/.test(header.trim())) return Number(header);
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, Math.ceil((date - now) / 1000));
}
