/** What every path should be: the streams' list, what was asked for on top of it, and what of it MediaMTX can be given. */
import { isToken, WeirError } from '../../contracts/index.js';
import type { PathWish } from '../gateway.js';
import type { PathConfig } from './path-config.js';

export interface WishesOptions {
  list(): Promise<readonly PathWish[]> | readonly PathWish[];
  /** MediaMTX runs on this machine, and so can open its devices. */
  isLocal(): boolean;
  /** Throws `invalid_argument` for a wish that cannot be put into a path. */
  toConfig(wish: PathWish): PathConfig;
}

export class Wishes {
  readonly #options: WishesOptions;
  /** On top of the list. */
  readonly #ensured = new Map<string, PathWish>();
  #all: ReadonlyMap<string, PathWish> = new Map();
  readonly #refused = new Map<string, string>();

  constructor(options: WishesOptions) {
    this.#options = options;
  }

  /** As of the last `reload`, with what was ensured since. */
  get all(): ReadonlyMap<string, PathWish> {
    return this.#all;
  }

  /** Wishes that cannot be put into a path, with the reason. */
  get refused(): ReadonlyMap<string, string> {
    return this.#refused;
  }

  /** Keeps it over every `reload`. Throws `invalid_argument`, and keeps nothing, when it cannot be put into a path. */
  ensure(wish: PathWish): PathConfig {
    const config = this.configOf(wish);
    this.#ensured.set(wish.streamId, wish);
    this.#all = new Map(this.#all).set(wish.streamId, wish);
    return config;
  }

  remove(streamId: string): void {
    this.#ensured.delete(streamId);
    const rest = new Map(this.#all);
    rest.delete(streamId);
    this.#all = rest;
  }

  /** Notes why MediaMTX did not take it; until the next `reload`. */
  refuse(streamId: string, why: string): void {
    this.#refused.set(streamId, why);
  }

  /** Asks for the list again; gives the text of the configuration of each path that can be made. */
  async reload(): Promise<Map<string, string>> {
    const listed = await this.#options.list();
    this.#all = new Map([...listed, ...this.#ensured.values()].filter((wish) => isToken(wish.streamId)).map((wish) => [wish.streamId, wish]));
    const wanted = new Map<string, string>();
    this.#refused.clear();
    for (const [id, wish] of this.#all) {
      try {
        wanted.set(id, JSON.stringify(this.configOf(wish)));
      } catch (error) {
        this.#refused.set(id, WeirError.from(error).message);
      }
    }
    return wanted;
  }

  configOf(wish: PathWish): PathConfig {
    // A device of this machine is none of a MediaMTX elsewhere.
    const isElsewhere = wish.source.kind === 'v4l2' && !this.#options.isLocal();
    return this.#options.toConfig(isElsewhere ? { ...wish, source: { kind: 'stream' } } : wish);
  }

  /** The path opens the device itself; others are given the stream of the hub. */
  captures(streamId: string): boolean {
    const wish = this.#ensured.get(streamId) ?? this.#all.get(streamId);
    return wish?.source.kind === 'v4l2' && this.#options.isLocal();
  }
}
