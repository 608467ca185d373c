/** What a refusal says about the fields of a form, and about somebody who was faster. */
import { ApiError } from "@lockstep/shared/http.ts";
import { t } from "../i18n.ts";
import { report } from "./errors.ts";
import { useToastsStore } from "./toasts.ts";

/** @returns the first message for each field that the server named; those within a list stand at the list's name. */
export function fieldErrors(error: unknown): Record<string, string> {
  if (!(error instanceof ApiError)) return {};
  return Object.fromEntries(Object.entries(error.errors).map(([field, messages]) => [field, firstText(messages)]));
}

function firstText(messages: unknown): string {
  if (typeof messages === "string") return messages;
  return typeof messages === "object" && messages !== null ? firstText(Object.values(messages)[0] ?? "") : "";
}

/** @returns who changed the thing meanwhile, if that is why the call was refused; "" if nobody knows their name. */
export function whoWasFaster(error: unknown): string | null {
  if (!(error instanceof ApiError) || error.code !== "concurrent_modification") return null;
  return error.current?.changed_by?.name ?? "";
}

/** Says in a toast that something was refused; if somebody was faster, who. The screen should read the present state again. */
export function reportRefusal(error: unknown, what = ""): void {
  const name = whoWasFaster(error);
  if (name === null) return report(error, what);
  const text = name ? t("ui.faster.by", { name }) : t("ui.faster.somebody");
  useToastsStore().error(what ? `${what} ${text}` : text, error instanceof ApiError ? error.requestId : null);
}
