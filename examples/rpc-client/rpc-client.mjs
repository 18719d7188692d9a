/**
 * A small JSON-RPC client for Weir. Works in browsers as it is; in Node.js give it the WebSocket of the package `ws`.
 * Signs in, calls with a deadline, hears events, and comes back after a break: signed in again and subscribed as before.
 */

/** An answer that is an error: `code` is the number, `data` says more. */
export class RpcError extends Error {
  /** @param {{ code: number, message: string, data?: Record<string, unknown> }} error */
  constructor({ code, message, data = {} }) {
    super(data.details ? `${message}: ${data.details}` : message);
    this.code = code;
    this.data = data;
  }
}

/**
 * @typedef {object} RpcClientOptions
 * @property {string} url For example ws://127.0.0.1:8080/ws
 * @property {string} token API token (`weir token create`) or JWT
 * @property {typeof WebSocket} [WebSocket] Default: that of the browser
 * @property {number} [timeoutMs] A call fails after so long; default 30 000
 * @property {(connected: boolean) => void} [onConnection] Told when the connection is lost and when it is back
 */

export class RpcClient {
  #options;
  #socket;
  #nextId = 1;
  #calls = new Map();
  #listeners = new Map();
  #subscriptions = [];
  #isClosed = false;
  #attempt = 0;

  /** @param {RpcClientOptions} options */
  constructor(options) {
    this.#options = { timeoutMs: 30_000, WebSocket: globalThis.WebSocket, onConnection: () => {}, ...options };
  }

  /** Connects and signs in. Fails when either does; afterwards the connection is kept. */
  async connect() {
    await this.#open();
    const session = await this.call('authenticate', { auth_token: this.#options.token });
    for (const params of this.#subscriptions) await this.call('subscribe_events', params);
    this.#attempt = 0;
    this.#options.onConnection(true);
    return session;
  }

  /**
   * Calls a method; resolves to its result. Fails with {@link RpcError} for an error that was answered.
   * @param {string} method
   * @param {Record<string, unknown>} [params]
   */
  call(method, params = {}) {
    return new Promise((resolve, reject) => {
      if (this.#socket?.readyState !== 1) {
        reject(new Error('not connected'));
        return;
      }
      const id = this.#nextId++;
      const timer = setTimeout(() => {
        this.#calls.delete(id);
        reject(new Error(`${method}: no answer within ${this.#options.timeoutMs} ms`));
      }, this.#options.timeoutMs);
      this.#calls.set(id, { resolve, reject, timer });
      this.#socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    });
  }

  /**
   * Hears a notification, such as `camera_status_update`. Topics are to be subscribed as well.
   * @param {string} name
   * @param {(data: Record<string, unknown>) => void} listener
   * @returns {() => void} no longer hears it
   */
  on(name, listener) {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  /**
   * Subscribes topics, now and after each break.
   * @param {string[]} topics
   * @param {Record<string, unknown>} [filters]
   */
  async subscribe(topics, filters) {
    const params = filters === undefined ? { topics } : { topics, filters };
    await this.call('subscribe_events', params);
    this.#subscriptions.push(params);
  }

  close() {
    this.#isClosed = true;
    this.#socket?.close(1000);
  }

  #open() {
    const socket = new this.#options.WebSocket(this.#options.url);
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#take(JSON.parse(String(data))));
    return new Promise((resolve, reject) => {
      socket.addEventListener('open', () => {
        socket.addEventListener('close', () => this.#lost());
        resolve(undefined);
      });
      socket.addEventListener('error', () => reject(new Error(`cannot connect to ${this.#options.url}`)));
    });
  }

  #take(message) {
    if (message.method !== undefined) {
      for (const listener of this.#listeners.get(message.method) ?? []) listener(message.params);
      return;
    }
    const call = this.#calls.get(message.id);
    if (call === undefined) return;
    this.#calls.delete(message.id);
    clearTimeout(call.timer);
    if (message.error === undefined) call.resolve(message.result);
    else call.reject(new RpcError(message.error));
  }

  #lost() {
    for (const { reject, timer } of this.#calls.values()) {
      clearTimeout(timer);
      reject(new Error('the connection was lost'));
    }
    this.#calls.clear();
    if (this.#isClosed) return;
    if (this.#attempt === 0) this.#options.onConnection(false);
    this.#again();
  }

  /** Comes back after 0.5 s, 1 s, 2 s ... 15 s, each a little earlier or later, so that many clients do not come at once. */
  #again() {
    const waitMs = Math.min(15_000, 500 * 2 ** this.#attempt) * (0.75 + Math.random() / 2);
    this.#attempt += 1;
    setTimeout(() => {
      if (this.#isClosed) return;
      // A socket that was open says itself that it is lost; for one that never was, it is done here.
      this.connect().catch((error) => {
        if (error instanceof RpcError) this.close();
        else if (this.#socket?.readyState !== 1) this.#again();
      });
    }, waitMs);
  }
}
