/** The two apps' sockets. Nothing else imports socket.io-client. */
import { io, type Socket } from "socket.io-client";
import { FIRST_PAUSE_MS, SHORT_PAUSE_MS, longestPause, opensWithin, type SocketLike } from "./connection.ts";

export function openSocket(namespace: "/customers" | "/admin"): SocketLike {
  const socket: Socket = io(namespace, {
    transports: ["websocket"],
    autoConnect: false,
    reconnectionDelay: FIRST_PAUSE_MS,
    reconnectionDelayMax: SHORT_PAUSE_MS,
    randomizationFactor: 0.5,
    timeout: opensWithin(1),
  });
  socket.io.on("reconnect_attempt", (attempt) => {
    // The library cuts off what exceeds the longest pause, its jitter too: so the longest pause has one of its own.
    socket.io.reconnectionDelayMax(longestPause(attempt, Math.random));
    socket.io.timeout(opensWithin(attempt));
  });
  return Object.assign(socket as unknown as SocketLike, {
    dropTransport: () => socket.io.engine?.close(),
  });
}
