/** Pictures on their way to the server: one after the other, each with its progress and what is wrong with it. */
import { ApiError } from "@lockstep/shared/http.ts";
import { newKey } from "@lockstep/shared/intention.ts";
import type { Session } from "@lockstep/shared/types.ts";
import { onScopeDispose, reactive, ref } from "vue";
import { t } from "../i18n.ts";
import { useSessionStore } from "../session/session.ts";
import { errorText } from "../ui/errors.ts";
import { upload } from "../session/upload.ts";

/** As app/domain/pictures.py has them. */
export const MAX_BYTES = 15_000_000;
export const MAX_PICTURES = 30;
export const ACCEPTED = ["image/jpeg", "image/png", "image/webp"];

export interface Upload {
  id: number;
  name: string;
  file: File;
  /** The idempotency key: a lost answer is asked for again with it. */
  key: string;
  state: "waiting" | "sending" | "failed";
  share: number | null;
  error: string;
  requestId: string | null;
  /** Whether sending the same file again may help. */
  again: boolean;
}

/** @returns why a file cannot be a picture, before it is sent. */
export function refusalOf({ size, type }: Pick<File, "size" | "type">): "empty" | "tooBig" | "type" | null {
  if (size === 0) return "empty";
  if (size > MAX_BYTES) return "tooBig";
  return type !== "" && !ACCEPTED.includes(type) ? "type" : null;
}

/** @param done is given what the server answers to each. */
export function useUploads<T>(path: () => string, done: (answer: T) => void) {
  const session = useSessionStore();
  const list = ref<Upload[]>([]);
  let lastId = 0;
  let isBusy = false;
  const controller = new AbortController();

  function add(files: readonly File[], room: number): void {
    for (const [at, file] of files.entries()) {
      const refusal = refusalOf(file);
      const error = refusal ? t(`editing.upload.${refusal}`, { most: MAX_BYTES / 1_000_000 }) : at >= room ? t("editing.upload.tooMany", { most: MAX_PICTURES }) : "";
      list.value.push(reactive({ id: (lastId += 1), name: file.name, file, key: newKey(), state: error ? "failed" : "waiting", share: null, error, requestId: null, again: false }));
    }
    void work();
  }

  async function work(): Promise<void> {
    if (isBusy) return;
    isBusy = true;
    for (let next = waiting(); next && !controller.signal.aborted; next = waiting()) await send(next);
    isBusy = false;
  }

  const waiting = (): Upload | undefined => list.value.find(({ state }) => state === "waiting");

  async function send(one: Upload): Promise<void> {
    one.state = "sending";
    one.error = "";
    try {
      const form = new FormData();
      form.append("image", one.file);
      // This also asks for the password if the session has ended, before anything large is sent.
      const { csrf_token: token } = await session.api<Session>("/auth/me");
      done(await upload<T>(path(), { method: "POST", form, key: one.key, token: token ?? "", signal: controller.signal, onProgress: (share) => (one.share = share) }));
      drop(one.id);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      one.state = "failed";
      one.error = error.status === 413 ? t("editing.upload.tooBig", { most: MAX_BYTES / 1_000_000 }) : (error.errors["image"]?.join(" ") ?? errorText(error));
      one.requestId = error.requestId;
      one.again = error.isNetwork || error.status === 429 || error.status >= 500;
    }
  }

  function retry(one: Upload): void {
    one.state = "waiting";
    void work();
  }

  function drop(id: number): void {
    list.value = list.value.filter((one) => one.id !== id);
  }

  onScopeDispose(() => controller.abort());
  return { list, add, retry, drop };
}
