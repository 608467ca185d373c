/** What one subject of the panel (stock, say) contributes. The shell knows subjects only through this interface. */
import type { AdminEvent } from "@lockstep/shared/types.ts";
import type { Component } from "vue";
import type { RouteRecordRaw } from "vue-router";

export interface Subject {
  /** Its screens. Give each a name, and load it lazily. */
  readonly routes: readonly RouteRecordRaw[];
  /** Overlaid on the foot of every screen, for what must stay visible. */
  readonly everywhere?: Component;
  /** Called once, in App.vue: stores and watchers may be used. */
  readonly begin: () => Handlers;
}

/** All of them optional: a subject handles what concerns it. */
export interface Handlers {
  /** Somebody changed something; `mine` if the person logged in here did. */
  readonly heard?: (event: AdminEvent, mine: boolean) => void;
  /** Categories were renamed, moved, made or deleted; no part has a new version. */
  readonly heardOfTree?: () => void;
  /** Events may have been missed: reload what is shown. */
  readonly missed?: () => void;
  /** Saves as much of the user's input as possible; resolves when the responses have arrived. */
  readonly save?: () => Promise<void>;
  /** What would be lost if the page went away now, in words. */
  readonly unsaved?: () => string[];
  /** Somebody else is logging in: nothing that the last person saw or typed may remain. */
  readonly forget?: () => void;
}
