/** Something small that this browser keeps between visits, the same in all of its tabs. */
import { ref, shallowRef, type Ref, type ShallowRef } from "vue";

export interface Kept<T> {
  readonly value: Readonly<ShallowRef<T>>;
  /** Whether it will still be there after the page was closed: some browsers keep nothing, and none keeps too much. */
  readonly isKept: Readonly<Ref<boolean>>;
  /** Changes what is there now, which another tab may have changed since. */
  change(to: (now: T) => T): void;
}

/**
 * @param name of the place; with another format it needs another name, since an older page may be open in another tab.
 * @param read makes sense of what was found; null if there is none in it.
 */
export function kept<T>(name: string, read: (found: unknown) => T | null, empty: T): Kept<T> {
  const isKept = ref(true);
  const value = shallowRef(load() ?? empty);

  function load(): T | null {
    try {
      return read(JSON.parse(localStorage.getItem(name) ?? "null"));
    } catch {
      return null;
    }
  }

  function change(to: (now: T) => T): void {
    value.value = to((isKept.value ? load() : null) ?? (isKept.value ? empty : value.value));
    try {
      localStorage.setItem(name, JSON.stringify(value.value));
      isKept.value = true;
    } catch {
      isKept.value = false;
    }
  }

  // Told by other tabs only; without a key, everything was cleared.
  window.addEventListener("storage", ({ key }) => {
    if (key === null || key === name) value.value = load() ?? empty;
  });

  return { value, isKept, change };
}
