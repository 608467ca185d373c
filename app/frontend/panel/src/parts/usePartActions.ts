/** What can be done to parts from the list, each with its way back. */
import type { components } from "@lockstep/shared/api.gen.ts";
import { formatNumber } from "@lockstep/shared/format.ts";
import { ApiError } from "@lockstep/shared/http.ts";
import type { AdminContent, Person } from "@lockstep/shared/types.ts";
import { t } from "../i18n.ts";
import { useSessionStore } from "../session/session.ts";
import { reportRefusal } from "../ui/problems.ts";
import { useToastsStore } from "../ui/toasts.ts";
import { inverse, type BulkAnswer, type PartChange } from "./bulk.ts";
import type { Row } from "./rows.ts";

type Content = components["schemas"]["ContentAnswer"];
type Named = Pick<Row, "id" | "part_name" | "version">;

/** @param note shows a part as a call has left it; `again` reads the list, since what it shows was refused as outdated. */
export function usePartActions(note: (content: AdminContent, actor: Person) => void, again: () => Promise<void>) {
  const session = useSessionStore();
  const toasts = useToastsStore();

  async function change(part: Named, method: "DELETE" | "POST" | "PUT", path: string, body?: object): Promise<Content | null> {
    try {
      const versioned = body ? { body: { ...body, version: part.version } } : { query: { version: part.version } };
      const content = await session.api<Content>(`/admin/parts/${part.id}${path}`, { method, ...versioned });
      if (session.user) note(content, session.user);
      return content;
    } catch (error) {
      if (error instanceof ApiError && (error.status === 409 || error.status === 404)) void again();
      reportRefusal(error, `${part.part_name}:`);
      return null;
    }
  }

  async function archive(part: Named): Promise<boolean> {
    const content = await change(part, "DELETE", "");
    if (content) toasts.info(t("parts.archived", { name: part.part_name }), { label: t("parts.undo"), run: () => restore(content) });
    return content !== null;
  }

  async function restore(part: Named): Promise<void> {
    const content = await change(part, "POST", "/restore");
    if (content) toasts.info(t("parts.restored", { name: part.part_name }));
  }

  async function place(part: Named, status: "draft" | "published"): Promise<void> {
    const content = await change(part, "PUT", "", { status });
    if (!content) return;
    const back = status === "draft" ? "published" : "draft";
    toasts.info(t(`parts.placed.${status}`, { name: part.part_name }), { label: t("parts.undo"), run: () => change(content, "PUT", "", { status: back }) });
  }

  /** Says what a bulk did, and offers to take it back: as far as nobody has changed the parts again. */
  function toldOfBulk(answer: BulkAnswer, text: string): void {
    const changes = inverse(answer.rows);
    toasts.info(text, changes.length > 0 ? { label: t("parts.undo"), run: () => takeBack(changes) } : null);
  }

  async function takeBack(changes: readonly PartChange[]): Promise<void> {
    try {
      const { changed, refused } = await session.api<BulkAnswer>("/admin/parts/bulk", { method: "POST", body: { changes, on_conflict: "skip", reason: t("parts.bulk.undoReason") } });
      const undone = t("parts.bulk.undone", { n: formatNumber(changed) }, changed);
      toasts.info(refused > 0 ? `${undone} ${t("parts.bulk.kept", { n: formatNumber(refused) }, refused)}` : undone);
    } catch (error) {
      reportRefusal(error, t("parts.bulk.undoFailed"));
    }
  }

  return { archive, restore, place, toldOfBulk };
}
