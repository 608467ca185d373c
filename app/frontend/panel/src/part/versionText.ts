/** What a version of a part's content was, in the reader's language. */
import type { components } from "@lockstep/shared/api.gen.ts";
import { formatNumber } from "@lockstep/shared/format.ts";
import { i18n, t } from "../i18n.ts";

export type Version = components["schemas"]["VersionListItem"];
export type Source = NonNullable<Version["source"]>;

export const SOURCES = ["panel", "api", "command", "bulk", "import", "undo", "restore", "by_hand", "reconcile"] as const satisfies readonly Source[];
/** In the order in which they are named. */
const FIELDS = ["sku", "slug", "part_name", "description", "category_id", "category_path", "manufacturer", "manufacturer_number", "status", "archived"] as const;
const COUNTED = ["specifications", "images"] as const;

/** @returns what happened; in the server's words if an older release wrote the version, or a field is not known here. */
export function whatOf({ kind, fields, change_summary }: Pick<Version, "kind" | "fields" | "change_summary">): string {
  if (!kind) return change_summary ?? "";
  const names = Object.keys(fields ?? {});
  if (kind !== "changed" || names.length === 0) return t(`part.version.kinds.${kind}`);
  const changed = new Map(Object.entries(fields ?? {}));
  const named = [
    ...FIELDS.filter((name) => changed.has(name)).map((name) => t(`part.version.fields.${name}`)),
    ...COUNTED.filter((name) => changed.has(name)).map((name) => t(`part.version.counted.${name}`, { n: formatNumber(changed.get(name) ?? 0) }, changed.get(name) ?? 0)),
    ...names.filter((name) => ![...FIELDS, ...COUNTED].some((known) => known === name)),
  ];
  return t("part.version.changed", { what: new Intl.ListFormat(i18n.global.locale.value, { type: "conjunction" }).format(named) });
}

/** @returns by which way it came; empty if nobody knows. */
export function wayOf({ source, restored_from, import_id }: Pick<Version, "source" | "restored_from" | "import_id">): string {
  if (!source) return "";
  if (source === "restore" && restored_from !== null) return t("part.version.restoredFrom", { n: restored_from });
  if (source === "undo" && import_id !== null) return t("part.version.undoOf", { n: import_id });
  return t(`part.version.sources.${source}`);
}
