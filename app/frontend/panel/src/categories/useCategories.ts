/** The category tree and what can be done to it. What a call refuses because somebody was faster is read again first. */
import { ApiError } from "@lockstep/shared/http.ts";
import { useDebounceFn } from "@vueuse/core";
import { computed } from "vue";
import { t } from "../i18n.ts";
import { useMessages } from "../live/events.ts";
import { refresh, useRead, type CursorPage } from "../queries.ts";
import { useSessionStore } from "../session/session.ts";
import { branches, type AdminCategory } from "../ui/categoryTree.ts";
import { errorText } from "../ui/errors.ts";
import { fieldErrors, reportRefusal, whoWasFaster } from "../ui/problems.ts";
import { useToastsStore } from "../ui/toasts.ts";

const PATH = "/admin/categories";
/** Many parts may move one after the other; the counts follow together. */
const COUNT_MS = 800;
const COUNTED = new Set(["part.created", "content.updated", "part.deleted", "part.restored"]);
/** Other words for what the picture shows; null: it goes. */
export type PictureChange = { alt: string } | null;
type Change = { name?: string; description?: string; parent_id?: number | null; picture?: PictureChange };

export function readAgain(): Promise<void> {
  return refresh(PATH);
}

export function picturePath(id: number): string {
  return `/admin/categories/${id}/picture`;
}

export function useCategories() {
  const session = useSessionStore();
  const toasts = useToastsStore();
  const read = useRead<CursorPage<AdminCategory>>(PATH);
  const all = computed(() => read.data.value?.items ?? []);
  const tree = computed(() => branches(all.value));
  const count = useDebounceFn(readAgain, COUNT_MS, { maxWait: 5 * COUNT_MS });

  useMessages(({ name }) => {
    if (name.startsWith("category.")) void readAgain();
    else if (COUNTED.has(name)) void count();
  }, () => void readAgain());

  /** @returns what the server says against it, for the field that it is about; "" if it is done. */
  async function create(name: string, parent_id: number | null, key: string): Promise<string> {
    return attempt(async () => {
      await session.api<AdminCategory>(PATH, { method: "POST", body: { name, parent_id }, key });
      toasts.info(t("categories.created", { name }));
    });
  }

  async function rename(category: AdminCategory, name: string): Promise<string> {
    return attempt(async () => {
      const changed = await change(category, { name });
      toasts.info(t("categories.renamed", { before: category.name, name: changed.name }), { label: t("categories.undo"), run: () => undo(changed, { name: category.name }) });
    });
  }

  async function describe(category: AdminCategory, description: string): Promise<string> {
    return attempt(async () => {
      const changed = await change(category, { description });
      if (changed.version === category.version) return;
      toasts.info(t("categories.described", { name: changed.name }), { label: t("categories.undo"), run: () => undo(changed, { description: category.description }) });
    });
  }

  async function repicture(category: AdminCategory, picture: PictureChange): Promise<string> {
    return attempt(async () => {
      const { name } = await change(category, { picture });
      toasts.info(t(picture ? "categories.altChanged" : "categories.pictureGone", { name }));
    });
  }

  async function move(category: AdminCategory, parent_id: number | null): Promise<string> {
    return attempt(async () => {
      const changed = await change(category, { parent_id });
      const to = all.value.find(({ id }) => id === parent_id)?.name ?? t("categories.top");
      toasts.info(t("categories.moved", { name: changed.name, to }), { label: t("categories.undo"), run: () => undo(changed, { parent_id: category.parent_id }) });
    });
  }

  function change(category: AdminCategory, changes: Change): Promise<AdminCategory> {
    return session.api<AdminCategory>(`${PATH}/${category.id}`, { method: "PUT", body: { ...changes, version: category.version } });
  }

  async function undo(category: AdminCategory, changes: Change): Promise<void> {
    await change(category, changes).catch((error: unknown) => reportRefusal(error, t("categories.undoFailed")));
    await readAgain();
  }

  /** @returns as `create`; `needsTarget` if it turns out not to be empty. */
  async function remove(category: AdminCategory, target: number | null): Promise<{ problem: string; needsTarget: boolean }> {
    let needsTarget = false;
    const problem = await attempt(async () => {
      await session.api(`${PATH}/${category.id}`, { method: "DELETE", query: { version: category.version, target } }).catch((error: unknown) => {
        needsTarget = error instanceof ApiError && error.code === "category_not_empty";
        throw error;
      });
      toasts.info(t("categories.deleted", { name: category.name }));
      // Its parts show another category now.
      void refresh("/admin/parts");
    });
    return { problem: needsTarget ? t("categories.notEmpty") : problem, needsTarget };
  }

  async function attempt(work: () => Promise<void>): Promise<string> {
    try {
      await work();
      return "";
    } catch (error) {
      return refusal(error);
    } finally {
      await readAgain();
    }
  }

  return { ...read, all, tree, create, rename, describe, repicture, move, remove };
}

/** @returns a sentence that says what is true now, for a refusal by the tree's rules. @throws anything but a failed request. */
export function refusal(error: unknown): string {
  if (!(error instanceof ApiError)) throw error;
  const faster = whoWasFaster(error);
  if (faster !== null) return faster ? t("ui.faster.by", { name: faster }) : t("ui.faster.somebody");
  if (error.status === 404) return t("categories.gone");
  if (error.code === "duplicate") return t("categories.taken");
  return Object.values(fieldErrors(error))[0] ?? errorText(error);
}
