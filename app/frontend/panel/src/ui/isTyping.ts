/** Whether a key pressed here is meant for something else than the screen: a field, a dialog or a menu. */
export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("input, textarea, select, [contenteditable='true'], [role='dialog'], [role='alertdialog'], [role='menu']") !== null;
}
