/** The way back to a parked draft: to the view that it was typed in, with its row in sight and its cell open. */
import { nextTick, ref, watch } from "vue";
import { useRouter } from "vue-router";
import { useDraftsStore } from "./drafts.ts";
import { useParkedStore, type Parked } from "./parked.ts";
import { readQuery, useStockQuery } from "./useStockQuery.ts";
import { FIRST_PAGE, useViewStore } from "./view.ts";
import { cellKey } from "./write.ts";

export function useWayBack() {
  const router = useRouter();
  const stock = useViewStore();
  const drafts = useDraftsStore();
  const parked = useParkedStore();
  const { show } = useStockQuery();
  const wanted = ref<string | null>(null);

  async function goBack(to: Parked): Promise<void> {
    wanted.value = null;
    drafts.leave();
    if (!isHere(to)) {
      await show(to.view ?? { query: readQuery({}), place: FIRST_PAGE });
      // By now the page has begun to read that view.
      await nextTick();
    }
    wanted.value = cellKey(to);
  }

  function isHere({ id }: Parked): boolean {
    return router.currentRoute.value.name === "stock" && stock.state === "ready" && stock.ids.includes(id);
  }

  watch([wanted, () => stock.state], ([key, state]) => {
    if (key === null || state === "loading") return;
    wanted.value = null;
    const to = parked.byCell.get(key);
    if (!to || state === "error") return;
    // It may have left that view meanwhile.
    stock.bring(to.base);
    drafts.begin(stock.byId.get(to.id) ?? to.base, to.field);
  });

  return { goBack };
}
