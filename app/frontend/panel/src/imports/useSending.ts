/** Uploads a file as a dry run or an import, and goes to the job that comes of it. */
import type { ApiError } from "@lockstep/shared/http.ts";
import { newIntention } from "@lockstep/shared/intention.ts";
import type { Session } from "@lockstep/shared/types.ts";
import { onScopeDispose, ref, shallowRef } from "vue";
import { useRouter } from "vue-router";
import { t } from "../i18n.ts";
import { refresh } from "../queries.ts";
import { useSessionStore } from "../session/session.ts";
import type { JobDetail } from "./jobs.ts";
import { keep } from "./kept.ts";
import { fieldsOf, type Reading } from "./reading.ts";
import { upload } from "../session/upload.ts";

export const MAX_BYTES = 50_000_000;

export function useSending() {
  const session = useSessionStore();
  const router = useRouter();
  const share = ref<number | null>(null);
  const isSending = ref(false);
  const error = shallowRef<ApiError | null>(null);
  /** Why a file was not even sent. */
  const refusal = ref("");
  let intend = newIntention();
  let abort: AbortController | null = null;

  async function send(file: File, reading: Reading, dryRun: boolean): Promise<void> {
    if (isSending.value) return;
    error.value = null;
    refusal.value = refusalOf(file);
    if (refusal.value) return;
    isSending.value = true;
    share.value = null;
    const controller = (abort = new AbortController());
    try {
      const copy = await inMemory(file);
      const fields = fieldsOf(reading);
      const form = new FormData();
      form.append("file", copy);
      form.append("dry_run", String(dryRun));
      for (const [name, value] of fields) form.append(name, value);
      // This also asks for the password if the session has ended, before anything large is sent.
      const { csrf_token: token } = await session.api<Session>("/auth/me");
      const key = intend(file.name, file.size, file.lastModified, dryRun, fields);
      const job = await upload<JobDetail>("/admin/imports", { method: "POST", form, key, token: token ?? "", signal: controller.signal, onProgress: (now) => (share.value = now) });
      // Sent once more, it is another check, of what the shop has by then.
      intend = newIntention();
      keep(job.id, { file: copy, reading });
      void refresh("/admin/imports");
      await router.push({ name: "import", params: { id: job.id } });
    } catch (failure) {
      if (failure instanceof DOMException) refusal.value = t("imports.drop.unreadable");
      else if (!controller.signal.aborted) error.value = failure as ApiError;
    } finally {
      isSending.value = false;
      abort = null;
    }
  }

  function stop(): void {
    abort?.abort();
  }

  onScopeDispose(stop);
  return { share, isSending, error, refusal, send, stop };
}

function refusalOf(file: File): string {
  if (file.size === 0) return t("imports.drop.empty", { name: file.name });
  if (file.size > MAX_BYTES) return t("imports.drop.tooBig", { name: file.name, size: Math.ceil(file.size / 1_000_000), most: MAX_BYTES / 1_000_000 });
  return "";
}

/** What is imported must be what was checked, even if the file is written to meanwhile. @throws DOMException if it is gone. */
async function inMemory(file: File): Promise<File> {
  return new File([await file.arrayBuffer()], file.name, { type: file.type, lastModified: file.lastModified });
}
