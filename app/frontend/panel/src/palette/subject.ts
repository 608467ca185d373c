import { defineAsyncComponent } from "vue";
import type { Subject } from "../subject.ts";
import PaletteButton from "./PaletteButton.vue";
import { recent } from "./state.ts";

/** From anywhere to any part, screen or action; and what the keys are. */
export const palette: Subject = {
  routes: [],
  bar: PaletteButton,
  everywhere: defineAsyncComponent(() => import("./PaletteHost.vue")),
  begin: () => ({ forget: () => (recent.value = []) }),
};
