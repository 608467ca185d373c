/** Ties the admin feed to the stores for as long as somebody is logged in. Called once, in App.vue. */
import { AdminFeed } from "@lockstep/shared/live/admin-feed.ts";
import { openSocket } from "@lockstep/shared/live/connection.ts";
import type { AdminEvent } from "@lockstep/shared/types.ts";
import { onScopeDispose, watch } from "vue";
import { useConnectionStore } from "./connection.ts";
import { useEditsStore } from "../stock/edits.ts";
import { useSessionStore } from "../session/session.ts";
import { useStockStore } from "../stock/stock.ts";

export function useAdminFeed(): void {
  const session = useSessionStore();
  const connection = useConnectionStore();
  const stock = useStockStore();
  const edits = useEditsStore();
  let feed: AdminFeed | null = null;

  function onEvent(event: AdminEvent): void {
    const aspect = event.type === "stock.updated" ? "stock" : "content";
    if (event.type === "content.updated") edits.heardContent(event.part_id, event.actor);
    const echo = event.actor.id === session.user?.id && edits.isOurs(event.part_id, aspect);
    stock.receive(event, echo);
  }

  function close(): void {
    feed?.close();
    feed = null;
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
        onEvent,
        onGap: () => void stock.refresh(),
        onStatus: connection.become,
        onRefused: () => void session.check(),
      });
      feed.open();
    },
    { immediate: true },
  );
  // Rows do not come and go under somebody who is typing.
  watch(
    () => stock.outdated && !stock.reading && edits.draft === null && edits.conflict === null,
    (due) => {
      if (due) void stock.refresh();
    },
  );
  onScopeDispose(close);
}
