/** Ties the admin feed to all subjects for as long as somebody is logged in. Called once, in App.vue. */
import { AdminFeed } from "@lockstep/shared/live/admin-feed.ts";
import { openSocket } from "@lockstep/shared/live/socket.ts";
import { onScopeDispose, watch } from "vue";
import { useSessionStore } from "../session/session.ts";
import type { Handlers } from "../subject.ts";
import { useConnectionStore } from "./connection.ts";
import { speakThrough, tell, tellMissed } from "./events.ts";

export function useAdminFeed(subjects: readonly Handlers[]): void {
  const session = useSessionStore();
  const connection = useConnectionStore();
  let feed: AdminFeed | null = null;

  function close(): void {
    feed?.close();
    feed = null;
    speakThrough(null);
    connection.become("connecting");
  }

  // A new log-in is a new cookie, which a socket sends only when it connects.
  watch(
    () => (session.user ? session.logins : 0),
    (logins) => {
      close();
      if (logins === 0) return;
      feed = new AdminFeed({
        socket: openSocket("/admin"),
        onEvent: (event) => {
          for (const subject of subjects) subject.heard?.(event, event.actor.id === session.user?.id);
        },
        onTree: () => {
          for (const subject of subjects) subject.heardOfTree?.();
        },
        onMessage: tell,
        onGap: () => {
          for (const subject of subjects) subject.missed?.();
          tellMissed();
        },
        onStatus: connection.become,
        onRefused: () => void session.check(),
      });
      speakThrough(feed);
      feed.open();
    },
    { immediate: true },
  );
  onScopeDispose(close);
}
