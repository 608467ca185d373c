/** The two apps' sockets. Nothing else imports socket.io-client. */
import { io, type Socket } from "socket.io-client";
import { ATTEMPT_MS, FIRST_PAUSE_MS, SHORT_PAUSE_MS, longestPause, type SocketLike } from "./connection.ts";

export function openSocket(namespace: "/customers" | "/admin"): SocketLike {
  const socket: Socket = io(namespace, {
    transports: ["websocket"],
    autoConnect: false,
    reconnectionDelay: FIRST_PAUSE_MS,
    reconnectionDelayMax: SHORT_PAUSE_MS,
    randomizationFactor: 0.5,
    timeout: ATTEMPT_MS,
  });
  // The library cuts off what exceeds the longest pause, its jitter too: so the longest pause has one of its own.
  socket.io.on("reconnect_attempt", (attempt) => socket.io.reconnectionDelayMax(longestPause(attempt, Math.random)));
  return Object.assign(socket as unknown as SocketLike, {
    dropTransport: () => socket.io.engine?.close(),
  });
}
