/** A list that is read in parts. Awaited it is its first part; iterated it is all of its items, part after part. */
export interface Part {
  readonly data: readonly unknown[];
  readonly has_more: boolean;
}

export class Listing<Page, Item> implements Promise<Page>, AsyncIterable<Item> {
  readonly [Symbol.toStringTag] = "Listing";
  readonly #read: (after: string | undefined) => Promise<Page>;

  /** `read` gives the part that follows an item's id. */
  constructor(read: (after: string | undefined) => Promise<Page>) {
    this.#read = read;
  }

  /** The first part. */
  page(): Promise<Page> {
    return this.#read(undefined);
  }

  then<Kept = Page, Lost = never>(
    kept?: ((page: Page) => Kept | PromiseLike<Kept>) | null,
    lost?: ((reason: unknown) => Lost | PromiseLike<Lost>) | null,
  ): Promise<Kept | Lost> {
    return this.page().then(kept, lost);
  }

  catch<Lost = never>(lost?: ((reason: unknown) => Lost | PromiseLike<Lost>) | null): Promise<Page | Lost> {
    return this.page().catch(lost);
  }

  finally(done?: (() => void) | null): Promise<Page> {
    return this.page().finally(done);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void, undefined> {
    let after: string | undefined;
    for (;;) {
      const part = (await this.#read(after)) as Part;
      yield* part.data as readonly Item[];
      const last = part.data.at(-1) as { readonly id?: unknown } | undefined;
      // A list that does not move on would be read for ever.
      if (!part.has_more || typeof last?.id !== "string" || last.id === after) return;
      after = last.id;
    }
  }

  /** All items, or the first `most` of them. */
  async all(most = Number.POSITIVE_INFINITY): Promise<Item[]> {
    const items: Item[] = [];
    if (most <= 0) return items;
    for await (const item of this) {
      items.push(item);
      if (items.length >= most) break;
    }
    return items;
  }
}
