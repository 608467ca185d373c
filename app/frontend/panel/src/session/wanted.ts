import type { RouteLocationRaw } from "vue-router";

/** Where somebody was going before they were asked to log in: a path of our own router, never an external URL. */
export function wanted(next: unknown): RouteLocationRaw {
  return typeof next === "string" && /^\/(?!\/)/.test(next) ? next : { name: "home" };
}
