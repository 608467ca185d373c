/** The user's own version steps: a write states the version that its author saw, advanced over their own writes since. */
export class OwnSteps {
  readonly #steps = new Map<string, Map<number, number>>();

  /** @param of the queue key of a part and aspect. */
  made(of: string, from: number, to: number): void {
    if (to === from) return;
    const own = this.#steps.get(of) ?? new Map<number, number>();
    own.set(from, to);
    this.#steps.set(of, own);
  }

  /** The version to state for somebody who saw `version`: nobody conflicts with their own writes. */
  rebased(of: string, version: number): number {
    const own = this.#steps.get(of);
    let latest = version;
    for (let next = own?.get(latest); next !== undefined && next > latest; next = own?.get(latest)) latest = next;
    return latest;
  }
}
