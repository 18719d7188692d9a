/** Further ports of the hub, for clients of older camera services. */
import type { Config, SystemHealth } from '../contracts/index.js';
import { type HttpServer, type SideListener, startHealthListener, startRpcListener } from '../http/index.js';
import { readServerTls } from './certificate.js';

export interface SideListenersOptions {
  readonly config: Config;
  readonly http: HttpServer;
  readonly host: string;
  readonly health: () => SystemHealth;
  readonly notReady: () => string | undefined;
}

/** Opens those that are configured (0 is none, -1 any port). */
export async function openSideListeners(
  options: SideListenersOptions,
): Promise<{ rpc?: SideListener; health?: SideListener; close(): Promise<void> }> {
  const { rpc: settings } = options.config;
  const { http, host, health, notReady } = options;
  const tls = readServerTls(options.config.http.tls);
  const at = (port: number) => ({ host, port: Math.max(0, port), ...(tls === undefined ? {} : { tls }) });
  const rpc = settings.port === 0 ? undefined : await startRpcListener(http, at(settings.port));
  try {
    const open = settings.health_port === 0 ? undefined : await startHealthListener({ health, notReady }, at(settings.health_port));
    return {
      ...(rpc === undefined ? {} : { rpc }),
      ...(open === undefined ? {} : { health: open }),
      close: async () => {
        await Promise.all([rpc?.close(), open?.close()]);
      },
    };
  } catch (error) {
    await rpc?.close();
    throw error;
  }
}
