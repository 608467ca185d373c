/**
 * One side of a part while it is edited: what was typed stays on top of what others change, and is sent with the version seen.
 *
 * Saving a side that somebody else has changed meanwhile merges by itself where different fields were changed; where the same
 * were, the conflict view is opened and nothing is sent before it is decided.
 */
import { ApiError } from "@lockstep/shared/http.ts";
import { newIntention } from "@lockstep/shared/intention.ts";
import { computed, onScopeDispose, ref, watch } from "vue";
import { t } from "../i18n.ts";
import { useSessionStore } from "../session/session.ts";
import { errorText } from "../ui/errors.ts";
import { useToastsStore } from "../ui/toasts.ts";
import { useDraftsStore } from "./drafts.ts";
import { changed, rebase, resolve, same, takeBack, untouched, type Author, type Choice, type Fields, type Json, type News } from "./merge.ts";
import { usePresent } from "./present.ts";
import type { Part, Side } from "./types.ts";

const MAX_MERGES = 5;

export interface SideOptions {
  side: Side;
  fields: (part: Part) => Fields;
  version: (part: Part) => number;
  author: (part: Part) => Author;
  /** Sends the changed fields; the present part is up to date when it resolves. @throws ApiError */
  send: (change: { changed: string[]; base: Fields; values: Fields; version: number; key: string }) => Promise<unknown>;
  /** Takes over the state that a conflict tells. */
  learn: (current: unknown) => void;
  /** What is wrong with the fields, by field; nothing is sent while anything is. */
  check?: (values: Fields) => Record<string, string>;
}

export type EditedSide = ReturnType<typeof useSide>;

export function useSide({ side, fields, version, author, send, learn, check = () => ({}) }: SideOptions) {
  const { part } = usePresent();
  const session = useSessionStore();
  const store = useDraftsStore();
  const toasts = useToastsStore();
  const intention = newIntention();
  const id = part.value.id;
  const draft = store.begin(id, side, version(part.value), fields(part.value));
  const errors = ref<Record<string, string>>({});
  const failure = ref<{ text: string; requestId: string | null } | null>(null);
  const deciding = ref(false);

  const present = (): number => version(part.value);
  const values = computed(() => draft.edited.values);
  const dirty = computed(() => changed(draft.edited));
  const clashes = computed(() => draft.edited.clashes);

  /** Puts what was typed on top of the present state, if that is newer. @returns whether it was. */
  function catchUp(): boolean {
    const now = present();
    if (now <= draft.edited.version) return false;
    const { edited, news } = rebase(draft.edited, now, fields(part.value), author(part.value));
    draft.edited = edited;
    // What I did myself, elsewhere, is no news to me.
    if (news.length > 0 && author(part.value).id !== session.user?.id) draft.news = [...news, ...draft.news.filter(({ key }) => !news.some((one) => one.key === key))];
    store.keep(id, side);
    return true;
  }

  watch(part, () => { if (!draft.saving) catchUp(); }, { flush: "sync" });
  catchUp();

  function change(next: Fields): void {
    draft.edited = { ...draft.edited, values: next };
    errors.value = {};
    store.keep(id, side);
  }

  const set = (key: string, value: Json): void => change({ ...draft.edited.values, [key]: value });

  function discard(): void {
    draft.edited = untouched(present(), fields(part.value));
    draft.news = [];
    errors.value = {};
    failure.value = null;
    store.keep(id, side);
  }

  function undo(news: News): void {
    draft.edited = takeBack(draft.edited, news);
    dismiss(news);
    store.keep(id, side);
  }

  function dismiss(news: News): void {
    draft.news = draft.news.filter((one) => one.key !== news.key);
  }

  /** @returns whether everything is saved. */
  async function save(): Promise<boolean> {
    if (draft.saving || dirty.value.length === 0) return dirty.value.length === 0;
    errors.value = check(draft.edited.values);
    if (Object.keys(errors.value).length > 0) return false;
    failure.value = null;
    draft.saving = true;
    try {
      return await sendUntilMerged();
    } finally {
      draft.saving = false;
      catchUp();
    }
  }

  async function sendUntilMerged(): Promise<boolean> {
    for (let merges = 0; merges <= MAX_MERGES; merges += 1) {
      if (Object.keys(draft.edited.clashes).length > 0) {
        deciding.value = true;
        return false;
      }
      const sent = draft.edited;
      const changes = changed(sent);
      if (changes.length === 0) return true;
      try {
        const { base, values, version } = sent;
        await send({ changed: changes, base, values, version, key: intention(side, changes.map((key) => values[key] ?? null), version) });
        // What was typed since it was sent stays; everything else is now as the server has it.
        const { edited } = rebase({ ...draft.edited, base: sent.values }, present(), fields(part.value), author(part.value));
        draft.edited = resolve(edited, Object.fromEntries(Object.keys(edited.clashes).map((key) => [key, "yours"])));
        store.keep(id, side);
        deciding.value = false;
        return true;
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (error.status !== 409 || error.code !== "concurrent_modification" || !error.current) return fail(error);
        learn(error.current);
        if (!catchUp()) return fail(error);
      }
    }
    return false;
  }

  function fail(error: ApiError): false {
    errors.value = Object.fromEntries(Object.entries(error.errors).map(([field, texts]) => [field, texts.join(" ")]));
    failure.value = { text: errorText(error), requestId: error.requestId };
    toasts.error(`${t("part.save.failed")} ${errorText(error)}`, error.requestId);
    return false;
  }

  /** What was decided in the conflict view; what is left is saved. */
  function decide(choices: Record<string, Choice>): Promise<boolean> {
    draft.edited = resolve(draft.edited, choices);
    store.keep(id, side);
    deciding.value = false;
    return save();
  }

  /** Goes on editing: the conflict is decided later. */
  function stay(): void {
    deciding.value = false;
  }

  onScopeDispose(stay);

  const isChanged = (key: string): boolean => !same(draft.edited.base[key], draft.edited.values[key]);

  return { side, draft, values, dirty, clashes, errors, failure, deciding, change, set, discard, undo, dismiss, save, decide, stay, isChanged };
}
