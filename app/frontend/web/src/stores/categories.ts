/**
 * The category tree, read again whenever the server says that it may differ. Parts name the category that they are in; what that is
 * called and where it stands, they have from here, since a change to the tree gives no part a new version.
 */
import { categoryOptions, loadCategories, partCategories } from "@lockstep/shared/categories.ts";
import type { Category, PartCategory } from "@lockstep/shared/types.ts";
import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";
import { first } from "../first.ts";
import { useLive } from "../live.ts";

/** All open pages hear of a change at once. */
export const JITTER_MS = 2_000;

export const useCategoriesStore = defineStore("categories", () => {
  const live = useLive();
  const nodes = shallowRef<readonly Category[]>([]);
  const options = computed(() => categoryOptions(nodes.value));
  const byId = computed(() => partCategories(nodes.value));

  /** The token under which the tree was read, or is about to be; null while unknown. */
  let heldToken: string | null = first.categories ?? null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const isReading = ref(false);
  let isDue = false;

  /** What is being read already may have been asked for too early, so it is read once more then. */
  async function read(): Promise<void> {
    isDue = true;
    if (isReading.value) return;
    isReading.value = true;
    while (isDue) {
      isDue = false;
      const found = await loadCategories();
      if (found) nodes.value = found;
      // The server's next word, some seconds later, is news then.
      else heldToken = null;
    }
    isReading.value = false;
  }

  /** @returns the category as it is called now; one that the tree does not know (yet), as the part itself has it. */
  function shown(category: PartCategory | null): PartCategory | null {
    return category && (byId.value.get(category.id) ?? category);
  }

  live.onCategories((token) => {
    if (token === heldToken) return;
    const delay = heldToken === null ? 0 : Math.random() * JITTER_MS;
    heldToken = token;
    timer ??= setTimeout(() => {
      timer = undefined;
      void read();
    }, delay);
  });

  return { nodes, options, isReading, read, shown };
});
