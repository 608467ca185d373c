/** Whether somebody is there. What the panel reads by itself, for pages that keep up with the shop, must not keep the session open. */
const TOUCHES = ["pointerdown", "keydown", "wheel"] as const;
const LASTS_MS = 60_000;
let touched = Date.now();

for (const touch of TOUCHES) window.addEventListener(touch, () => (touched = Date.now()), { capture: true, passive: true });

/** @returns what to say of a call that is made now. */
export function attendance(): { "X-Unattended"?: string } {
  return Date.now() - touched < LASTS_MS ? {} : { "X-Unattended": "1" };
}
