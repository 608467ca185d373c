/** What customers have open comes after the rows: the code for it, too. */
import { defineAsyncComponent } from "vue";

export const OpenPages = defineAsyncComponent(() => import("../ui/OpenPages.vue"));
export const OpenPagesReader = defineAsyncComponent(() => import("../live/OpenPagesReader.ts"));
