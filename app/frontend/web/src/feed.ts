/** What keeps the site current, Socket.IO included: loaded once a page is shown. */
import { CustomerFeed, type CustomerFeedOptions } from "@lockstep/shared/live/customer-feed.ts";
import { openSocket } from "@lockstep/shared/live/socket.ts";

export function createFeed(options: Omit<CustomerFeedOptions, "socket">): CustomerFeed {
  return new CustomerFeed({ ...options, socket: openSocket("/customers") });
}
