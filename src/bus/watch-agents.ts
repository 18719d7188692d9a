/** The hub's side of the agents' life cycle: who is there, who is lost. */
import { type AgentAnnounce, type AgentCommand, type AgentHeartbeat, WeirError } from '../contracts/index.js';
import { type AgentEvent, type AgentKind, type AgentWatch, channelsOf, type SeenAgent, type WatchAgentsOptions } from './agent.js';
import type { Bus } from './bus.js';

/** Three heartbeats of two seconds, and half a second for the way. */
const defaultLostAfterMs = 6500;
const commandTimeoutMs = 5000;

/** Watches all agents of a kind. While the bus itself is away nobody is declared lost; after it is back, everybody has the full time again. */
export function watchAgents<K extends AgentKind = 'spoke'>(bus: Bus, options: WatchAgentsOptions<K>): AgentWatch<K> {
  const channels = channelsOf(options.kind);
  const lostAfterMs = options.lostAfterMs ?? defaultLostAfterMs;
  const agents = new Map<string, SeenAgent>();
  const timers = new Map<string, ReturnType<typeof setTimeout>>();
  const emit = (event: AgentEvent) => options.onEvent(event);

  function arm(agentId: string): void {
    clearTimeout(timers.get(agentId));
    timers.set(
      agentId,
      setTimeout(() => lose(agentId), lostAfterMs),
    );
  }

  function disarmAll(): void {
    for (const timer of timers.values()) clearTimeout(timer);
    timers.clear();
  }

  function lose(agentId: string): void {
    timers.delete(agentId);
    const agent = agents.get(agentId);
    if (agent === undefined || !agent.online) return;
    agent.online = false;
    emit({ type: 'lost', agent });
  }

  /** Notes a sign of life; tells whether the agent came (back), and from which instance. */
  function see(agentId: string, instance: string): { agent: SeenAgent; came: boolean; previous: string | undefined } {
    arm(agentId);
    const known = agents.get(agentId);
    const isNew = known === undefined || known.instance !== instance;
    const agent: SeenAgent = isNew ? { agentId, instance, online: true, announce: undefined, heartbeat: undefined, lastSeenAt: Date.now() } : known;
    const came = isNew || !agent.online;
    agents.set(agentId, agent);
    agent.online = true;
    agent.lastSeenAt = Date.now();
    return { agent, came, previous: isNew ? known?.instance : undefined };
  }

  function onAnnounce(announce: AgentAnnounce): void {
    const { agent, came, previous } = see(announce.agent_id, announce.instance);
    agent.announce = announce;
    if (came) emit({ type: 'online', agent, previous });
    emit({ type: 'announced', agent });
  }

  function onHeartbeat(heartbeat: AgentHeartbeat): void {
    const { agent, came, previous } = see(heartbeat.agent_id, heartbeat.instance);
    agent.heartbeat = heartbeat;
    if (came) emit({ type: 'online', agent, previous });
    emit({ type: 'heartbeat', agent });
    if (agent.announce === undefined) askForAnnouncement(agent.agentId);
  }

  /** It announced itself before we listened. Asked with each heartbeat until it answers, so a lost answer costs nothing. */
  function askForAnnouncement(agentId: string): void {
    void bus
      .request(
        channels.command,
        channels.params(agentId),
        { action: 'announce' },
        { timeoutMs: commandTimeoutMs, ...(options.signal === undefined ? {} : { signal: options.signal }) },
      )
      .catch(() => undefined);
  }

  /** An agent speaks only for itself: the subject, which its rights are bound to, decides who it is. */
  const subscriptions = [
    bus.subscribe(channels.announce, {}, (message, meta) => {
      if (speaker(meta.params) === message.agent_id) onAnnounce(message);
    }),
    bus.subscribe(
      channels.heartbeat,
      {},
      (message, meta) => {
        if (speaker(meta.params) === message.agent_id) onHeartbeat(message);
      },
      { policy: 'merge_by_subject' },
    ),
  ];
  const undo = [
    bus.onDisconnect(disarmAll),
    bus.onReconnect(() => {
      for (const agent of agents.values()) if (agent.online) arm(agent.agentId);
    }),
  ];

  function stop(): void {
    disarmAll();
    for (const one of undo) one();
    for (const subscription of subscriptions) subscription.stop();
    options.signal?.removeEventListener('abort', stop);
  }
  if (options.signal?.aborted) stop();
  else options.signal?.addEventListener('abort', stop, { once: true });

  return {
    agents,
    ready: Promise.all(subscriptions.map((subscription) => subscription.ready)).then(() => undefined),
    async command(agentId, command, settings = {}) {
      const reply = await bus.request(channels.command, channels.params(agentId), command as AgentCommand, {
        timeoutMs: commandTimeoutMs,
        ...settings,
      });
      if (reply.ok) return reply;
      throw reply.error === undefined
        ? new WeirError('internal', `${agentId} refused ${command.action} without a reason`)
        : WeirError.fromProblem(reply.error);
    },
    stop,
  };
}

/** The one parameter of an agent's subject, whatever it is called for its kind. */
function speaker(params: Readonly<Record<string, string>>): string | undefined {
  return Object.values(params)[0];
}
