/** The navigation of the person who is logged in. */
import { may } from "../session/roles.ts";
import type { Entry } from "../subject.ts";
import { SUBJECTS } from "../subjects.ts";

/** @returns the entries that this person may use; reactive. */
export function entries(): Entry[] {
  return SUBJECTS.flatMap((subject) => subject.entries ?? []).filter((entry) => may(entry.needs ?? "viewer"));
}
