/** Whether the panel hears of changes as they happen. */
import type { ConnectionStatus } from "@lockstep/shared/live/connection.ts";
import { defineStore } from "pinia";
import { ref } from "vue";

export const useConnectionStore = defineStore("connection", () => {
  const status = ref<ConnectionStatus>("connecting");
  /** When it was last live. */
  const since = ref<number | null>(null);

  function become(next: ConnectionStatus): void {
    if (status.value === "live" && next !== "live") since.value = Date.now();
    status.value = next;
  }

  return { status, since, become };
});
