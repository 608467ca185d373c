/** Ties the admin feed to all subjects for as long as somebody is logged in. Called once, in App.vue. */
import { AdminFeed } from "@lockstep/shared/live/admin-feed.ts";
import { longestPause } from "@lockstep/shared/live/connection.ts";
import type { openSocket } from "@lockstep/shared/live/socket.ts";
import { onScopeDispose, watch } from "vue";
import { useSessionStore } from "../session/session.ts";
import type { Handlers } from "../subject.ts";
import { useConnectionStore } from "./connection.ts";
import { speakThrough, tell, tellMissed } from "./events.ts";

type Opener = typeof openSocket;

/** What speaks Socket.IO is larger than the log-in and comes beside the first screen, which shows itself without it. */
async function loadOpener(): Promise<Opener> {
  return (await import("@lockstep/shared/live/socket.ts")).openSocket;
}

export function useAdminFeed(subjects: readonly Handlers[], load: () => Promise<Opener> = loadOpener): void {
  const session = useSessionStore();
  const connection = useConnectionStore();
  let feed: AdminFeed | null = null;
  /** Incremented with every log-in and log-out: what was begun for the one before is dropped. */
  let turn = 0;

  function close(): void {
    turn += 1;
    feed?.close();
    feed = null;
    speakThrough(null);
    connection.become("connecting");
  }

  /** @returns null if somebody has logged in or out meanwhile. */
  async function opener(): Promise<Opener | null> {
    const mine = turn;
    for (let attempt = 1; mine === turn; attempt += 1) {
      try {
        const found = await load();
        return mine === turn ? found : null;
      } catch {
        // The server or the network is away just now.
        if (mine === turn) connection.become("paused");
        await new Promise((resolve) => setTimeout(resolve, longestPause(attempt, Math.random)));
      }
    }
    return null;
  }

  async function open(): Promise<void> {
    const openSocket = await opener();
    if (!openSocket) return;
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
  }

  // A new log-in is a new cookie, which a socket sends only when it connects.
  watch(
    () => (session.user ? session.logins : 0),
    (logins) => {
      close();
      if (logins > 0) void open();
    },
    { immediate: true },
  );
  onScopeDispose(close);
}
