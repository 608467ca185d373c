/** Which dead letters are meant: the server takes an effect, and how the last error begins. */
import type { components } from "@lockstep/shared/api.gen.ts";
import type { Query } from "@lockstep/shared/http.ts";
import { effectsOf, type Status } from "./figures.ts";

export type Letter = components["schemas"]["DeadLetter"];
/** Empty: any. */
export interface Which {
  effect: string;
  error: string;
}

export function matches({ effect, last_error }: Letter, which: Which): boolean {
  return (which.effect === "" || effect === which.effect) && (last_error ?? "").startsWith(which.error);
}

/** As the server is asked for them. */
export function asQuery({ effect, error }: Which): Query {
  return { effect: effect || null, error: error || null };
}

/** How an error begins that others of its kind share: "KeyError", of "KeyError: 'table_name'". */
export function kindOfError(error: string | null): string {
  return /^[\w.]+/.exec(error ?? "")?.[0] ?? "";
}

/** Kinds of dead letters, the most frequent first. */
export function kindsOf(letters: readonly Letter[]): (Which & { count: number })[] {
  const kinds = new Map<string, Which & { count: number }>();
  for (const { effect, last_error } of letters) {
    const error = kindOfError(last_error);
    const kind = kinds.get(`${effect} ${error}`) ?? { effect, error, count: 0 };
    kinds.set(`${effect} ${error}`, { ...kind, count: kind.count + 1 });
  }
  return [...kinds.values()].sort((a, b) => b.count - a.count);
}

/** @returns how many are meant, and whether it may be more: those that are not listed here are counted by effect alone. */
export function countOf(which: Which, status: Status, letters: readonly Letter[], isAll: boolean): { count: number; isAtLeast: boolean } {
  if (which.error !== "") return { count: letters.filter((letter) => matches(letter, which)).length, isAtLeast: !isAll };
  const count = effectsOf(status).filter(({ name }) => which.effect === "" || name === which.effect).reduce((sum, { dead }) => sum + dead, 0);
  return { count, isAtLeast: false };
}
