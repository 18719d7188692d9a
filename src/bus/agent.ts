/** Life cycle of whatever works for others: announce, heartbeat, commands, drain. */
import type { AgentAnnounce, AgentCommand, AgentHeartbeat, AgentReply, WorkerCommand } from '../contracts/index.js';
import type { Trace } from './bus.js';

/** Kinds of agents whose subjects exist in the contracts. */
export type AgentKind = 'spoke' | 'vod_worker';

/** What each kind of agent is told. */
export interface CommandsOfKind {
  spoke: AgentCommand;
  vod_worker: WorkerCommand;
}

export interface AgentOptions<K extends AgentKind = 'spoke'> {
  kind: K;
  agentId: string;
  /** Everything of the announcement but `agent_id`, `kind`, `instance` and `timestamp`; asked anew for each announcement. */
  announce: () => Omit<AgentAnnounce, 'agent_id' | 'kind' | 'instance' | 'timestamp'>;
  /** Load for each heartbeat. */
  load?: () => AgentHeartbeat['load'];
  /** Obeys a command (but `announce`, which is obeyed here); what it returns goes back as `result`, a thrown error as `error`. Commands come one at a time, in order. */
  onCommand: (
    command: Exclude<CommandsOfKind[K], { action: 'announce' }>,
    context: { trace: Trace | undefined; signal: AbortSignal },
  ) => unknown | Promise<unknown>;
  /** Default 2000. */
  heartbeatMs?: number;
  signal?: AbortSignal;
}

export interface Agent {
  readonly instance: string;
  readonly state: AgentHeartbeat['state'];
  /** Announces again, for example when the capabilities have changed. */
  announce(): void;
  /** The state that heartbeats carry from now on; one is sent at once. */
  setState(state: AgentHeartbeat['state']): void;
  stop(): Promise<void>;
}

export interface SeenAgent {
  agentId: string;
  instance: string;
  online: boolean;
  /** Undefined until the announcement was seen: a heartbeat may come first. */
  announce: AgentAnnounce | undefined;
  heartbeat: AgentHeartbeat | undefined;
  /** Milliseconds since 1970, on this machine's clock. */
  lastSeenAt: number;
}

export type AgentEvent =
  /** New, back after being lost, or a new instance (`previous` is then the old one). */
  | { type: 'online'; agent: SeenAgent; previous: string | undefined }
  /** Announced again: capabilities may have changed. */
  | { type: 'announced'; agent: SeenAgent }
  | { type: 'heartbeat'; agent: SeenAgent }
  | { type: 'lost'; agent: SeenAgent };

export interface WatchAgentsOptions<K extends AgentKind = 'spoke'> {
  kind: K;
  onEvent: (event: AgentEvent) => void;
  /** Silence after which an agent is lost; default 6500. */
  lostAfterMs?: number;
  signal?: AbortSignal;
}

export interface AgentWatch<K extends AgentKind = 'spoke'> {
  readonly agents: ReadonlyMap<string, SeenAgent>;
  readonly ready: Promise<void>;
  /** Sends one command and awaits the agent's answer; an `error` in it is thrown. */
  command(agentId: string, command: CommandsOfKind[K], settings?: { timeoutMs?: number; signal?: AbortSignal; trace?: Trace }): Promise<AgentReply>;
  stop(): void;
}

/** The channels of each kind; a new kind is a line here and its channels in the contracts. */
export const agentChannels = {
  spoke: {
    announce: 'spoke_announce',
    heartbeat: 'spoke_heartbeat',
    command: 'spoke_command',
    params: (agentId: string) => ({ spoke_id: agentId }),
  },
  vod_worker: {
    announce: 'video_worker_announce',
    heartbeat: 'video_worker_heartbeat',
    command: 'video_worker_command',
    params: (agentId: string) => ({ worker_id: agentId }),
  },
} as const satisfies Record<AgentKind, object>;

/** The rows differ only in their names, so the code of the life cycle is written for one of them. */
export function channelsOf(kind: AgentKind): (typeof agentChannels)['spoke'] {
  return agentChannels[kind] as unknown as (typeof agentChannels)['spoke'];
}
