/** How anything below the shell logs out: what can be saved is saved first. */
import type { InjectionKey } from "vue";

export const LOG_OUT: InjectionKey<() => unknown> = Symbol("log out");
