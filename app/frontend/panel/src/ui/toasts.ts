/** Short messages: polite ones go by themselves, errors stay until they are dismissed. */
import { defineStore } from "pinia";
import { ref } from "vue";

export interface Toast {
  id: number;
  kind: "info" | "error";
  text: string;
  requestId: string | null;
}

const INFO_MS = 6_000;
const MOST = 4;

export const useToastsStore = defineStore("toasts", () => {
  const toasts = ref<Toast[]>([]);
  let lastId = 0;

  function add(kind: Toast["kind"], text: string, requestId: string | null): void {
    const id = (lastId += 1);
    toasts.value = [...toasts.value, { id, kind, text, requestId }].slice(-MOST);
    if (kind === "info") setTimeout(() => dismiss(id), INFO_MS);
  }

  const info = (text: string): void => add("info", text, null);
  const error = (text: string, requestId: string | null = null): void => add("error", text, requestId);

  function dismiss(id: number): void {
    toasts.value = toasts.value.filter((toast) => toast.id !== id);
  }

  return { toasts, info, error, dismiss };
});
