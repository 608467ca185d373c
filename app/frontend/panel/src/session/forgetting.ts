/** What must not outlive a session, in modules that may not have been loaded: nothing that one person has read is shown to the next. */

const actions = new Set<() => void>();

/** Does `action` whenever somebody has logged out. */
export function afterLogOut(action: () => void): void {
  actions.add(action);
}

export function loggedOut(): void {
  for (const action of actions) action();
}
