/** What one subject of the panel (stock, say) brings to the whole. The shell knows subjects by this alone. */
import type { AdminEvent } from "@lockstep/shared/types.ts";
import type { Component } from "vue";
import type { RouteRecordRaw } from "vue-router";

export interface Subject {
  /** Its screens. Name each, and load it only when it is opened. */
  readonly routes: readonly RouteRecordRaw[];
  /** Drawn over the foot of every screen, for what must not get out of sight. */
  readonly everywhere?: Component;
  /** Called once, in App.vue: stores and watchers may be used. */
  readonly begin: () => Handlers;
}

/** All of them optional: a subject handles what concerns it. */
export interface Handlers {
  /** Somebody changed something; `mine` if the person logged in here did. */
  readonly heard?: (event: AdminEvent, mine: boolean) => void;
  /** Something may have been missed: read again what is shown. */
  readonly missed?: () => void;
  /** Saves what is typed as far as it can be saved; resolves when the answers are there. */
  readonly save?: () => Promise<void>;
  /** What would be lost if the page went away now, in words. */
  readonly unsaved?: () => string[];
  /** Somebody else sits down here: nothing of what the last person saw or typed may remain. */
  readonly forget?: () => void;
}
