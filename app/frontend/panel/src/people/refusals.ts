/** What the rules about people say when they refuse something. */
import { ApiError } from "@lockstep/shared/http.ts";
import { t } from "../i18n.ts";
import { errorText } from "../ui/errors.ts";
import { whoWasFaster } from "../ui/problems.ts";

/** @returns a sentence. @throws anything but a failed request. */
export function refusal(error: unknown): string {
  if (!(error instanceof ApiError)) throw error;
  const faster = whoWasFaster(error);
  if (faster !== null) return faster ? t("ui.faster.by", { name: faster }) : t("ui.faster.somebody");
  if (error.code === "last_administrator") return t("people.lastAdministrator");
  if (error.code === "system_user") return t("people.systemUser");
  if (error.code === "duplicate") return t("people.taken");
  if (error.status === 404) return t("people.gone");
  return errorText(error);
}
