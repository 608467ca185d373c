/** Sends a form, and says how much of it is on its way, which `fetch` cannot. */
import { ApiError, inItsLanguage, retryAfter } from "@lockstep/shared/http.ts";
import type { Problem } from "@lockstep/shared/types.ts";

export interface Upload {
  method: "POST";
  form: FormData;
  /** The idempotency key. */
  key: string;
  /** The session's CSRF token. */
  token: string;
  signal: AbortSignal;
  /** Called with a share from 0 to 1. */
  onProgress: (share: number) => void;
}

/** @throws ApiError, also (status 0) if it was aborted. */
export function upload<T>(path: string, { method, form, key, token, signal, onProgress }: Upload): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, `/api/v1${path}`);
    request.responseType = "text";
    request.setRequestHeader("Accept", "application/json, application/problem+json");
    for (const [name, value] of Object.entries(inItsLanguage())) request.setRequestHeader(name, value);
    request.setRequestHeader("Idempotency-Key", key);
    request.setRequestHeader("X-CSRF-Token", token);
    request.upload.addEventListener("progress", ({ lengthComputable, loaded, total }) => {
      if (lengthComputable && total > 0) onProgress(loaded / total);
    });
    const lost = (): void => reject(new ApiError({ status: 0 }));
    request.addEventListener("error", lost);
    request.addEventListener("abort", lost);
    request.addEventListener("load", () => {
      const body = parsed(request.responseText);
      const requestId = request.getResponseHeader("X-Request-ID");
      if (request.status >= 200 && request.status < 300 && body !== null) resolve(body as T);
      else if (request.status >= 200 && request.status < 300) reject(new ApiError({ status: 0 }, { requestId }));
      else reject(new ApiError({ ...(body as Partial<Problem> | null), status: request.status }, { requestId, retryAfterSeconds: retryAfter(request.getResponseHeader("Retry-After")) }));
    });
    signal.addEventListener("abort", () => request.abort(), { once: true });
    if (signal.aborted) lost();
    else request.send(form);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
