/** Idempotency keys: a call that is sent again with its key takes effect once, so a lost response can be asked for again. */

/** Names a call, from now on until it is answered: the same one sent again keeps its key, any other gets a new one. */
export type Intention = (...call: unknown[]) => string;

export function newIntention(): Intention {
  let key = "";
  let sent: string | null = null;
  return (...call) => {
    const asked = JSON.stringify(call);
    if (asked !== sent) [key, sent] = [newKey(), asked];
    return key;
  };
}

export function newKey(): string {
  // Without HTTPS browsers have no `randomUUID`, whatever its type says.
  const { randomUUID } = crypto as Partial<Crypto>;
  if (randomUUID) return randomUUID.call(crypto);
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
