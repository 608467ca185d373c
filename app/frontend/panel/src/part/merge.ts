/**
 * Three-way merging of one side of a part, field by field: what was seen (base), what is true now (theirs), what was typed (yours).
 * A list is fields too: `rows.ts` gives each row a field, and the order is one more.
 */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };
export type Fields = Readonly<Record<string, Json | undefined>>;

/** The field that holds the order of a list's rows. */
export const ORDER = "order";

export interface Author {
  id: number | null;
  name: string;
  at: string;
}

/** Somebody else changed a field that I have changed too. */
export interface Clash extends Author {
  theirs: Json | undefined;
}

/** Somebody else changed a field that I had not touched; it was taken over, and can be taken back. */
export interface News extends Author {
  key: string;
  before: Json | undefined;
  after: Json | undefined;
}

/** What is being edited: `version` is the one that `base` and everything taken over since belong to. */
export interface Edited {
  version: number;
  base: Fields;
  values: Fields;
  clashes: Readonly<Record<string, Clash>>;
}

export function same(a: Json | undefined, b: Json | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** @returns the fields that differ from what was seen. */
export function changed({ base, values }: Pick<Edited, "base" | "values">): string[] {
  return [...new Set([...Object.keys(base), ...Object.keys(values)])].filter((key) => !same(base[key], values[key]));
}

export function untouched(version: number, fields: Fields): Edited {
  return { version, base: fields, values: fields, clashes: {} };
}

/**
 * Puts what was typed on top of the present state. Fields that only they changed are taken over; those that only I changed stay;
 * those that both changed, to different values, clash and stay as they were typed.
 */
export function rebase(mine: Edited, version: number, theirs: Fields, author: Author): { edited: Edited; news: News[] } {
  const base: Record<string, Json | undefined> = {};
  const values: Record<string, Json | undefined> = {};
  const clashes: Record<string, Clash> = {};
  const news: News[] = [];
  for (const key of new Set([...Object.keys(mine.base), ...Object.keys(theirs), ...Object.keys(mine.values)])) {
    if (key === ORDER) continue;
    const [seen, now, typed] = [mine.base[key], theirs[key], mine.values[key]];
    base[key] = now;
    values[key] = typed;
    if (same(now, typed)) continue;
    if (same(seen, typed)) {
      values[key] = now;
      news.push({ key, before: typed, after: now, ...author });
    } else if (!same(seen, now)) {
      const known = mine.clashes[key];
      base[key] = seen;
      clashes[key] = known && same(known.theirs, now) ? known : { theirs: now, ...author };
    }
  }
  const order = mergedOrder(mine, theirs, values);
  if (order) {
    base[ORDER] = theirs[ORDER];
    values[ORDER] = order;
    const [before, after] = [mine.values[ORDER], order];
    if (news.length === 0 && !same(before, after)) news.push({ key: ORDER, before, after, ...author });
  }
  return { edited: { version, base: present(base), values: present(values), clashes }, news };
}

/** Two orders do not clash: mine wins if I moved rows, and what they added follows at the end. */
function mergedOrder(mine: Edited, theirs: Fields, values: Fields): string[] | null {
  const [seen, now, typed] = [mine.base[ORDER], theirs[ORDER], mine.values[ORDER]].map((order) => (order ?? null) as string[] | null);
  if (!now || !typed) return null;
  const [first, second] = same(seen ?? undefined, typed) ? [now, typed] : [typed, now];
  return [...new Set([...first, ...second])].filter((key) => values[key] !== undefined);
}

function present(fields: Record<string, Json | undefined>): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

export type Choice = "theirs" | "yours";

/** Decides clashes: a field without a choice stays undecided. */
export function resolve(edited: Edited, choices: Readonly<Record<string, Choice>>): Edited {
  const base = { ...edited.base };
  const values = { ...edited.values };
  const decided = new Set<string>();
  for (const [key, choice] of Object.entries(choices)) {
    const clash = edited.clashes[key];
    if (!clash) continue;
    decided.add(key);
    base[key] = clash.theirs;
    if (choice === "theirs") values[key] = clash.theirs;
  }
  const order = values[ORDER] as string[] | undefined;
  if (order) values[ORDER] = [...new Set([...order, ...Object.keys(values).filter((key) => key !== ORDER)])].filter((key) => values[key] !== undefined);
  const clashes = Object.fromEntries(Object.entries(edited.clashes).filter(([key]) => !decided.has(key)));
  return { ...edited, base: present(base), values: present(values), clashes };
}

/** Takes back what was taken over from somebody else: what was there before becomes my change. */
export function takeBack(edited: Edited, { key, before, after }: News): Edited {
  if (!same(edited.values[key], after)) return edited;
  return resolve({ ...edited, values: present({ ...edited.values, [key]: before }) }, {});
}
