/** One's own steps from version to version: a write states what its author saw, moved along over what they wrote since. */
export class OwnSteps {
  readonly #steps = new Map<string, Map<number, number>>();

  /** @param of the part and aspect. */
  made(of: string, from: number, to: number): void {
    if (to === from) return;
    const own = this.#steps.get(of) ?? new Map<number, number>();
    own.set(from, to);
    this.#steps.set(of, own);
  }

  /** The version to state by somebody who saw `version`: one is not in conflict with oneself. */
  rebased(of: string, version: number): number {
    const own = this.#steps.get(of);
    let latest = version;
    for (let next = own?.get(latest); next !== undefined && next > latest; next = own?.get(latest)) latest = next;
    return latest;
  }
}
