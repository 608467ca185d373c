/** Saves the present view as CSV: with progress, and a way to stop. */
import { isAbort } from "@lockstep/shared/http.ts";
import type { AdminListItem, Page } from "@lockstep/shared/types.ts";
import { onScopeDispose, ref } from "vue";
import { formatNumber } from "@lockstep/shared/format.ts";
import { t } from "../i18n.ts";
import { useSessionStore } from "../session/session.ts";
import { report } from "../ui/errors.ts";
import { useToastsStore } from "../ui/toasts.ts";
import { visibleColumns } from "./columns.ts";
import { csvOf, download, MAX_ROWS } from "./csv.ts";
import { listQuery, type StockQuery } from "./view.ts";

export function useCsv() {
  const session = useSessionStore();
  const toasts = useToastsStore();
  /** Rows read so far; null if none is being made. */
  const progress = ref<number | null>(null);
  let abort: AbortController | null = null;

  async function save(query: StockQuery): Promise<void> {
    if (progress.value !== null) return;
    const { signal } = (abort = new AbortController());
    progress.value = 0;
    const columns = visibleColumns.value.filter(({ key }) => key !== "select");
    const read = (cursor: string | null, limit: number) =>
      session.api<Page<AdminListItem>>("/admin/parts", { query: { ...listQuery(query), limit, cursor }, signal });
    try {
      const made = await csvOf(columns, columns.map(({ key }) => t(`stock.columns.${key}`)), read, (count) => {
        progress.value = count;
        return !signal.aborted;
      });
      if (!made) return;
      download(`stock-${new Date().toISOString().slice(0, 10)}.csv`, made.text);
      if (!made.isWhole) toasts.info(t("stock.csv.cut", { n: formatNumber(MAX_ROWS) }));
    } catch (failure) {
      if (!isAbort(failure)) report(failure, t("stock.csv.failed"));
    } finally {
      progress.value = null;
    }
  }

  const stop = (): void => abort?.abort();
  onScopeDispose(stop);
  return { progress, save, stop };
}
