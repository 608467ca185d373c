/** The server's one line about a version, taken apart so that it can be said in any language: what, by which way, and why. */
export type Source = "panel" | "import" | "restore" | "reconcile";
export type Kind = "created" | "archived" | "unarchived" | "changed";

export interface Summary {
  readonly kind: Kind;
  /** Of a change: the names of fields as the server says them, counted ones too ("2 specifications"). */
  readonly fields: readonly string[];
  readonly source: Source;
  /** The version that was brought back. */
  readonly restored: number | null;
  /** What the person said about it, or the name of the file. */
  readonly message: string;
}

const KINDS: Record<string, Kind> = { Created: "created", Archived: "archived", "Restored from the archive": "unarchived" };

/** @returns null for a line that another release has worded in a way unknown to this one: it is shown as it is. */
export function summaryOf(line: string | null): Summary | null {
  const [, what = "", , reason = ""] = /^([^(]+?)( \(([\s\S]*)\))?$/.exec(line ?? "") ?? [];
  const changed = /^Changed(?: (.+))?$/.exec(what);
  const kind = KINDS[what] ?? (changed ? "changed" : null);
  if (!kind) return null;
  return { kind, fields: (changed?.[1] ?? "").split(/, | and /).filter(Boolean), ...byWay(reason) };
}

function byWay(reason: string): Pick<Summary, "source" | "restored" | "message"> {
  const restored = /^Restored version (\d+)(?:: ([\s\S]*))?$/.exec(reason);
  if (restored) return { source: "restore", restored: Number(restored[1]), message: restored[2] ?? "" };
  const imported = /^import(?: \d+)?(?:: ([\s\S]*))?$/.exec(reason);
  if (imported) return { source: "import", restored: null, message: imported[1] ?? "" };
  const reconciled = /^reconcile: ([\s\S]*)$/.exec(reason);
  if (reconciled) return { source: "reconcile", restored: null, message: reconciled[1] ?? "" };
  return { source: "panel", restored: null, message: reason };
}
