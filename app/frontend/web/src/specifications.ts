/**
 * Filters by specifications, named as in the API and in the address: `spec.Bore` has the values of which a part needs one, `spec.Bore.min`
 * and `spec.Bore.max` the ends of a range. Names count without their case.
 */
import type { LocationQuery } from "vue-router";

export type SpecificationFilters = Readonly<Record<string, readonly string[]>>;

export interface Range {
  min: string;
  max: string;
}

const PREFIX = "spec.";
const END = /\.(min|max)$/;
const LONGEST = 200;

/** @param clean makes of a value of the address a text without invisible characters, empty if it is none. */
export function readFilters(address: LocationQuery, clean: (value: unknown, most: number) => string): SpecificationFilters {
  const read: Record<string, string[]> = {};
  for (const [key, typed] of Object.entries(address)) {
    if (!key.startsWith(PREFIX) || nameOf(key) === "") continue;
    const values = [...new Set([typed].flat().map((value) => clean(value, LONGEST)))].filter((value) => value !== "");
    if (values.length > 0) read[key] = END.test(key) ? values.slice(0, 1) : values;
  }
  return read;
}

export function isSpecificationSort(sort: string): sort is `spec.${string}` | `-spec.${string}` {
  return /^-?spec\../.test(sort);
}

/** @returns what the list is sorted by, if it is a specification. */
export function sortedName(sort: string): string | null {
  return isSpecificationSort(sort) ? sort.replace(/^-?spec\./, "") : null;
}

export function sameName(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/** "20mm" and "20 mm" are one value. */
export function sameValue(one: string, other: string): boolean {
  return one.replace(/\s/g, "") === other.replace(/\s/g, "");
}

export function chosenValues(filters: SpecificationFilters, name: string): readonly string[] {
  return filters[keyIn(filters, PREFIX + name)] ?? [];
}

export function chosenRange(filters: SpecificationFilters, name: string): Range {
  const end = (which: string): string => filters[keyIn(filters, `${PREFIX}${name}.${which}`)]?.[0] ?? "";
  return { min: end("min"), max: end("max") };
}

export function withValue(filters: SpecificationFilters, name: string, value: string, isChosen: boolean): SpecificationFilters {
  const others = chosenValues(filters, name).filter((one) => !sameValue(one, value));
  return replaced(filters, PREFIX + name, isChosen ? [...others, value] : others);
}

export function withRange(filters: SpecificationFilters, name: string, { min, max }: Range): SpecificationFilters {
  return replaced(replaced(filters, `${PREFIX}${name}.min`, min ? [min] : []), `${PREFIX}${name}.max`, max ? [max] : []);
}

/** @returns the names that are filtered by, each once, as they stand in the address. */
export function filteredNames(filters: SpecificationFilters): string[] {
  const names = new Map<string, string>();
  for (const name of Object.keys(filters).map(nameOf)) names.set(name.toLowerCase(), names.get(name.toLowerCase()) ?? name);
  return [...names.values()];
}

/** A value as it is shown, and asked for. */
export function measured(value: string, unit: string): string {
  return unit === "" ? value : `${value} ${unit}`;
}

/** A number without a unit is meant in the unit that the field shows. */
export function withUnit(typed: string, unit: string): string {
  const text = typed.trim();
  return unit !== "" && /^[-+−]?[\d.,'\s]*\d[.,]?$/.test(text) ? `${text} ${unit}` : text;
}

/** @returns what the server says is wrong with one of these filters, if anything. */
export function errorOf(errors: Readonly<Record<string, readonly string[]>>, key: string): string {
  return errors[keyIn(errors, PREFIX + key)]?.join(" ") ?? "";
}

/** @returns what the server says is wrong, each said with the name of its specification. @param say joins the two. */
export function saidOf(errors: Readonly<Record<string, readonly string[]>>, say: (name: string, text: string) => string): string[] {
  return Object.entries(errors).flatMap(([key, texts]) => {
    const name = key.startsWith(PREFIX) ? nameOf(key) : key;
    return texts.map((text) => (text.toLowerCase().startsWith(name.toLowerCase()) ? text : say(name, text)));
  });
}

function nameOf(key: string): string {
  return key.slice(PREFIX.length).replace(END, "");
}

function keyIn(filters: Readonly<Record<string, unknown>>, key: string): string {
  return Object.keys(filters).find((one) => sameName(one, key)) ?? key;
}

function replaced(filters: SpecificationFilters, key: string, values: readonly string[]): SpecificationFilters {
  const { [keyIn(filters, key)]: _before, ...others } = filters;
  return values.length > 0 ? { ...others, [key]: values } : others;
}
