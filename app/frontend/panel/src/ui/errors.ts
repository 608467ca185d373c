/** What a failure means to the person in front of the screen. */
import { ApiError } from "@lockstep/shared/http.ts";
import { t } from "../i18n.ts";
import { useToastsStore } from "./toasts.ts";

/** @returns a sentence for any error of a request; the server's own words where it explains itself. */
export function errorText(error: unknown): string {
  if (!(error instanceof ApiError)) return t("ui.error.unexpected");
  if (error.isNetwork) return t("ui.error.offline");
  if (error.code === "step_up_required") return t("ui.error.unproven");
  if (error.status === 403) return t("ui.error.forbidden");
  // Too many calls: the server says for how long. A proxy that refuses them does not.
  if (error.status === 503 || (error.status === 429 && !error.message)) return t("ui.error.busy");
  if (error.status >= 500) return t("ui.error.server");
  const [field] = Object.entries(error.errors);
  return field ? `${field[0]}: ${field[1].join(" ")}` : error.message || t("ui.error.unexpected");
}

/** Says in a toast that `what` failed, with the id to quote. Anything but a failed request is a bug, and thrown. */
export function report(error: unknown, what = ""): void {
  if (!(error instanceof ApiError)) throw error;
  const text = errorText(error);
  useToastsStore().error(what ? `${what} ${text}` : text, error.requestId);
}
