/** The title of the window: what the screen is about, then the panel's name. */
import { watchEffect } from "vue";
import { t } from "../i18n.ts";

export function documentTitle(what: string): string {
  return `${what} – ${t("shell.appName")}`;
}

/** Shows `title()` for as long as the component is there. */
export function useDocumentTitle(title: () => string): void {
  watchEffect(() => (document.title = documentTitle(title())), { flush: "post" });
}
