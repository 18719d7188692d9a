/** The agent's own side of its life cycle. */
import { nuid } from '@nats-io/nats-core';
import type { AgentHeartbeat } from '../contracts/index.js';
import { type Agent, type AgentKind, type AgentOptions, type CommandsOfKind, channelsOf } from './agent.js';
import type { Bus } from './bus.js';

const defaultHeartbeatMs = 2000;

/**
 * Announces at once and after each reconnect, sends heartbeats, answers commands. Resolves when commands can arrive; rejects
 * with `permission_denied` when this login may not receive them.
 */
export async function startAgent<K extends AgentKind = 'spoke'>(bus: Bus, options: AgentOptions<K>): Promise<Agent> {
  const instance = nuid.next();
  const channels = channelsOf(options.kind);
  const params = channels.params(options.agentId);
  let state: AgentHeartbeat['state'] = 'ready';

  function announce(): void {
    const timestamp = new Date().toISOString();
    bus.publish(channels.announce, params, { ...options.announce(), agent_id: options.agentId, kind: options.kind, instance, timestamp });
  }

  function heartbeat(): void {
    const timestamp = new Date().toISOString();
    bus.publish(channels.heartbeat, params, { agent_id: options.agentId, instance, state, load: options.load?.() ?? {}, timestamp });
  }

  // One at a time: a later assignment must not overtake an earlier one.
  const server = bus.serve(
    channels.command,
    params,
    async (command, meta, signal) => {
      // Before the work: what the answer tells was so at this time or later.
      const timestamp = new Date().toISOString();
      if (command.action === 'announce') announce();
      const order = command as unknown as Exclude<CommandsOfKind[K], { action: 'announce' }>;
      const result = command.action === 'announce' ? undefined : await options.onCommand(order, { trace: meta.trace, signal });
      return { ok: true, ...(result === undefined ? {} : { result }), timestamp };
    },
    { concurrency: 1 },
  );
  await server.ready;

  const timer = setInterval(heartbeat, options.heartbeatMs ?? defaultHeartbeatMs);
  const undo = bus.onReconnect(() => {
    announce();
    heartbeat();
  });
  const agent: Agent = {
    instance,
    get state() {
      return state;
    },
    announce,
    setState(next) {
      state = next;
      heartbeat();
    },
    async stop() {
      clearInterval(timer);
      undo();
      options.signal?.removeEventListener('abort', stopBySignal);
      await server.stop();
    },
  };
  const stopBySignal = () => void agent.stop();
  if (options.signal?.aborted) await agent.stop();
  else options.signal?.addEventListener('abort', stopBySignal, { once: true });
  announce();
  heartbeat();
  return agent;
}
