/** The live feed of a page that is shown before what keeps it current has been loaded: whoever asks to watch by then waits for it. */
import type { CustomerFeed } from "@lockstep/shared/live/customer-feed.ts";

export type Feed = Pick<CustomerFeed, "watch" | "watchCatalog" | "open">;

/** Pauses between attempts to load it are of this length on average: all pages may lose a server at once. */
export const RETRY_MS = 10_000;

export class LateFeed implements Feed {
  readonly #load: () => Promise<Feed>;
  readonly #onMissing: () => void;
  readonly #waiting = new Set<(feed: Feed) => void>();
  #real: Feed | null = null;

  /** @param onMissing told whenever it could not be loaded. */
  constructor(load: () => Promise<Feed>, onMissing: () => void) {
    this.#load = load;
    this.#onMissing = onMissing;
  }

  watch(ids: Iterable<number>, options?: { detail?: boolean }): () => void {
    const watched = [...ids];
    return this.#whenThere((feed) => feed.watch(watched, options));
  }

  watchCatalog(): () => void {
    return this.#whenThere((feed) => feed.watchCatalog());
  }

  open(): void {
    this.#load().then(
      (feed) => {
        this.#real = feed;
        for (const begin of this.#waiting) begin(feed);
        this.#waiting.clear();
        feed.open();
      },
      () => {
        this.#onMissing();
        setTimeout(() => this.open(), RETRY_MS * (0.5 + Math.random()));
      },
    );
  }

  #whenThere(watch: (feed: Feed) => () => void): () => void {
    if (this.#real) return watch(this.#real);
    let end: (() => void) | undefined;
    const begin = (feed: Feed): void => {
      end = watch(feed);
    };
    this.#waiting.add(begin);
    return () => {
      this.#waiting.delete(begin);
      end?.();
    };
  }
}
