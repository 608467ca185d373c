/** Every text of the panel. */
import { formatNumber, formatSigned } from "@lockstep/shared/format.ts";
import type { AdminSort, PartStatus, Role } from "@lockstep/shared/types.ts";

export const strings = {
  appName: "Lockstep Panel",
  skipToContent: "Skip to content",

  login: {
    title: "Log in",
    email: "E-mail",
    password: "Password",
    submit: "Log in",
    busy: "Logging in…",
    wrong: "The e-mail or the password is not right.",
    tooMany: (wait: string) => `Too many tries. Try again ${wait}.`,
    inSeconds: (n: number) => (n === 1 ? "in 1 second" : `in ${formatNumber(n)} seconds`),
    inMinutes: (n: number) => (n === 1 ? "in 1 minute" : `in ${formatNumber(n)} minutes`),
    later: "in a little while",
    unreachable: "The server did not answer. Check your connection and try again.",
    failed: "Logging in failed on the server's side. Try again in a moment.",
    logOut: "Log out",
    loggedInAs: (name: string, role: Role) => `${name}, ${role}`,
    againTitle: "Log in again",
    againText: "Your session has ended. What you have typed is kept, and goes on once you are logged in.",
    leave: "Leave to the log-in page",
    unsavedTitle: "Log out with changes unsaved?",
    unsavedText: "These changes are not saved. They are lost if you log out now.",
    stay: "Stay logged in",
    discard: "Discard them and log out",
  },

  connection: {
    live: "Live",
    connecting: "Reconnecting",
    paused: "Offline – read-only",
    since: (time: string) => `since ${time}`,
    readOnly: "You are offline, so the grid can be read but not changed. What you have typed is kept.",
  },

  roles: {
    viewer: "You are logged in as a viewer: you can read, but not change anything.",
    forbidden: (role: Role) => `Your role (${role}) does not allow this change.`,
  },

  grid: {
    title: "Stock",
    caption: "Stock of all parts. Arrow keys move; Enter or F2 edits; Escape cancels; R edits with a reason.",
    help: "Arrow keys move. Enter or F2 edits, Esc cancels, Enter saves and goes down. Type +5 or -2 in “On hand” to adjust. R adds a reason.",
    helpLabel: "Keyboard",
    columns: {
      sku: "SKU",
      part_name: "Name",
      current_stock: "On hand",
      reserved_quantity: "Reserved",
      available_stock: "Available",
      min_stock_level: "Threshold",
      status: "Status",
      updated_at: "Updated",
      who: "By",
    },
    sortBy: (column: string) => `Sort by ${column}`,
    edit: (column: string, part: string) => `${column} of ${part}`,
    save: "Save",
    cancel: "Cancel",
    reason: "Reason (optional)",
    giveReason: "Give a reason (Alt+R)",
    departed: "changed, and no longer in this view",
    refresh: (count: number) => `Refresh (${formatNumber(count)})`,
    refreshHint: (count: number) => (count === 1 ? "1 part has changed and no longer belongs in this view" : `${formatNumber(count)} parts have changed and no longer belong in this view`),
    pending: "Saving",
    saved: "Saved",
    conflict: "Changed by someone else in the meantime",
    somebody: "someone",
    system: "system",
    you: "you",
    changedTo: (value: string, who: string) => `Changed to ${value} by ${who}`,
    empty: "No parts found",
    emptyFiltered: "Nothing matches this search and these filters.",
    emptyShop: "There are no parts yet.",
    clearFilters: "Clear filters",
    loading: "Loading the stock",
    shown: (first: number, count: number, more: boolean) => {
      if (first === 1 && !more) return count === 1 ? "1 part" : `${formatNumber(count)} parts`;
      return `Parts ${formatNumber(first)} – ${formatNumber(first + count - 1)}`;
    },
    previous: "Previous",
    next: "Next",
    pages: "Pages",
  },

  parked: {
    label: "Changes that are not saved",
    title: (count: number) => (count === 1 ? "1 change is not saved" : `${formatNumber(count)} changes are not saved`),
    mark: "What you typed here is not saved",
    typed: (what: string, text: string) => `${what}: ${text === "" ? "(empty)" : `“${text}”`}`,
    offline: "It could not be sent, since you were offline.",
    back: "Go back to it",
    backTo: (what: string) => `Go back to ${what}`,
    discard: "Discard",
    discardOf: (what: string) => `Discard what you typed for ${what}`,
  },

  filters: {
    label: "Search and filter",
    search: "Search",
    searchPlaceholder: "Name or SKU",
    clearSearch: "Clear the search",
    category: "Category",
    allCategories: "All categories",
    lowStock: "Low stock only",
    sort: "Sort by",
    sorts: {
      "sku": "SKU, A to Z",
      "-sku": "SKU, Z to A",
      "part_name": "Name, A to Z",
      "-part_name": "Name, Z to A",
      "available": "Available, low to high",
      "-available": "Available, high to low",
      "-updated_at": "Last updated first",
      "updated_at": "Longest untouched first",
    } satisfies Record<AdminSort, string>,
  },

  stockLevel: {
    in: "In stock",
    low: "Low",
    out: "Out of stock",
  },

  partStatus: {
    draft: "Draft",
    published: "Published",
    archived: "Archived",
  } satisfies Record<PartStatus, string>,

  input: {
    number: "A whole number, 0 or more.",
    adjustable: "A whole number, 0 or more; or +5 or -2 to adjust.",
    tooLarge: "That number is too large.",
    marks: "With points or commas it can be read in two ways: type the digits only.",
    onlyOnHand: "Only “On hand” can be adjusted with + or -.",
    nameEmpty: "A part needs a name.",
    nameLong: "That name is too long.",
  },

  write: {
    rolledBack: (what: string, reason: string) => `${what} was not changed. ${reason}`,
    what: (column: string, sku: string) => `${column} of ${sku}`,
    insufficient: (onHand: number | undefined, reserved: number | undefined) => {
      if (onHand === undefined) return "There is not enough stock for that.";
      return reserved ? `There are only ${formatNumber(onHand)} on hand, ${formatNumber(reserved)} of them reserved.` : `There are only ${formatNumber(onHand)} on hand.`;
    },
    network: "The server did not answer, so the list is being checked again.",
    server: "Something went wrong on the server.",
    gone: "The part is not there any more.",
    busy: "The server is busy. Try again in a moment.",
    loggedOut: "You are not logged in.",
    merged: (what: string, who: string) => `${what} was saved. ${who} had changed other fields of it in the meantime; both changes were kept.`,
    sameAlready: (what: string, who: string) => `${who} had already made the same change to ${what}.`,
    adjusted: (what: string, delta: number) => `${what} was adjusted by ${formatSigned(delta)}.`,
  },

  conflict: {
    title: "Changed in the meantime",
    again: "It has changed once more while you decided. These are the newest values.",
    intro: (what: string, who: string, when: string) => `${who} changed ${what} ${when}, after you had begun to edit it.`,
    introUnknown: (what: string) => `${what} was changed after you had begun to edit it.`,
    field: "Field",
    base: "Base",
    baseHint: "what you saw",
    theirs: "Theirs",
    theirsHint: (who: string) => `now, by ${who}`,
    yours: "Yours",
    yoursHint: "not saved yet",
    keepTheirs: "Keep theirs",
    applyMine: (value: string) => `Apply mine (${value})`,
    reapply: (delta: number, result: number) => `Adjust by ${formatSigned(delta)} (makes ${formatNumber(result)})`,
    cancel: "Cancel",
    others: "Also changed",
  },

  error: {
    loadTitle: "The stock could not be loaded",
    retry: "Try again",
    offline: "The server did not answer. Check your connection.",
    server: "Something went wrong on the server.",
    requestId: "Request",
    copy: "Copy the request id",
    copied: "Copied",
    dismiss: "Dismiss",
  },

  notFound: {
    title: "Page not found",
    action: "To the stock",
  },
} as const;
