/** What the server lets one page watch. */
export const MAX_WATCHED_PARTS = 200;
