/** How fresh this page is. */
import type { ConnectionStatus } from "@lockstep/shared/live/connection.ts";
import { defineStore } from "pinia";
import { ref } from "vue";

export const useConnectionStore = defineStore("connection", () => {
  const status = ref<ConnectionStatus>("connecting");
  const lastChecked = ref<number | null>(null);

  function checked(): void {
    lastChecked.value = Date.now();
  }

  return { status, lastChecked, checked };
});
