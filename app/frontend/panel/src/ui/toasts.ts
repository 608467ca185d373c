/** Short messages: polite ones disappear by themselves, errors stay until they are dismissed. */
import { defineStore } from "pinia";
import { ref } from "vue";

export interface Toast {
  id: number;
  kind: "info" | "error";
  text: string;
  requestId: string | null;
  /** What can be done about it, such as taking it back. */
  action: ToastAction | null;
}

export interface ToastAction {
  label: string;
  run: () => unknown;
}

const INFO_MS = 6_000;
/** Time enough to decide, and to reach the button. */
const ACTION_MS = 20_000;
const MAX_TOASTS = 4;

export const useToastsStore = defineStore("toasts", () => {
  const toasts = ref<Toast[]>([]);
  let lastId = 0;

  function add(kind: Toast["kind"], text: string, requestId: string | null, action: ToastAction | null): void {
    const id = (lastId += 1);
    toasts.value = [...toasts.value, { id, kind, text, requestId, action }].slice(-MAX_TOASTS);
    if (kind === "info") setTimeout(() => dismiss(id), action ? ACTION_MS : INFO_MS);
  }

  const info = (text: string, action: ToastAction | null = null): void => add("info", text, null, action);
  const error = (text: string, requestId: string | null = null): void => add("error", text, requestId, null);

  function dismiss(id: number): void {
    toasts.value = toasts.value.filter((toast) => toast.id !== id);
  }

  return { toasts, info, error, dismiss };
});
