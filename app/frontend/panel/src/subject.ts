/** What a subject of the panel is: a folder with its own screens, which the shell knows by the registry alone. */
import type { AdminEvent, Role } from "@lockstep/shared/types.ts";
import type { Component } from "vue";
import type { Router, RouteRecordRaw } from "vue-router";

export interface Subject {
  /** Its screens. Give each a name, load it lazily, and name the key of its title: `meta: { title: "shell.titles.parts" }`. */
  readonly routes: readonly RouteRecordRaw[];
  /** Its entries in the navigation, in their order. */
  readonly entries?: readonly Entry[];
  /** What the palette offers besides the entries. */
  readonly actions?: readonly Action[];
  /** Beside the connection's state at the top of every screen. */
  readonly bar?: Component;
  /** Overlaid on the foot of every screen, for what must stay visible. */
  readonly everywhere?: Component;
  /** Called once, in App.vue: stores and watchers may be used. */
  readonly begin?: () => Handlers;
}

/** A screen in the navigation. */
export interface Entry {
  /** The route's name. */
  readonly to: string;
  /** The key of its text. */
  readonly label: string;
  readonly icon: Component;
  /** `G`, then this letter, goes there. */
  readonly letter: string;
  /** Who sees it, at least; everybody if it is not given. */
  readonly needs?: Role;
}

/** Something that the palette can begin. */
export interface Action {
  /** The key of its text. */
  readonly label: string;
  readonly icon: Component;
  readonly needs?: Role;
  readonly run: (router: Router) => unknown;
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

declare module "vue-router" {
  interface RouteMeta {
    /** The key of the document's title; a screen that knows better uses `useDocumentTitle`. */
    title?: string;
    /** Who may open it, at least. */
    needs?: Role;
  }
}
