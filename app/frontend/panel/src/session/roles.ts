/** Who may do what: each role may do what those before it may. The server decides; the panel only hides what it would refuse. */
import type { Role } from "@lockstep/shared/types.ts";
import { useSessionStore } from "./session.ts";

export const ROLES: readonly Role[] = ["viewer", "stock", "editor", "admin"];

export function isAtLeast(role: Role | undefined, needed: Role = "viewer"): boolean {
  return role !== undefined && ROLES.indexOf(role) >= ROLES.indexOf(needed);
}

/** Whether the person who is logged in has at least this role; reactive. */
export function may(needed: Role): boolean {
  return isAtLeast(useSessionStore().user?.role, needed);
}
