/** The routes of the gateway, the same for every kind. */
import { type GatewayAuth, type GatewayPath, roleAllows, type Session, WeirError } from '../contracts/index.js';
import type { Admission } from './admissions.js';
import { createGatewayGuard, isSameSecret, type OwnCredentials } from './auth.js';
import type { GatewayBackend, GatewayOperations } from './gateway.js';
import type { GatewayOptions } from './options.js';

export interface OperationParts {
  readonly options: GatewayOptions;
  readonly own: OwnCredentials;
  readonly backend: GatewayBackend;
  /** Told of each question that was allowed: the first sign of a new reader or publisher. Without an admission it is one of our own. */
  readonly onAllowed: (question: GatewayAuth, admission: Admission | undefined) => void;
}

const defaultTokenS = 3600;
/** Everybody's, so that a refusal tells nothing. */
const refusal = () => new WeirError('unauthenticated', 'Not allowed');

export function createGatewayOperations({ options, own, backend, onAllowed }: OperationParts): GatewayOperations {
  const { tokens, access, knowsStream, log } = options;
  const guard = createGatewayGuard({ own, access, tokens });
  return {
    get_gateway: async () => backend.state(),
    async list_gateway_paths(session, _input, { signal }) {
      const paths: GatewayPath[] = await backend.paths(signal);
      return { items: paths.filter((path) => reaches(session, path.stream_id)) };
    },
    async kick_gateway_reader(session, { params }, { signal }) {
      const { stream_id, reader_id } = params;
      if (!reaches(session, stream_id)) throw notYours(stream_id);
      await backend.kick(stream_id, reader_id, signal);
      return undefined;
    },
    async gateway_auth(_session, { query, body }, context) {
      if (!isAsker(query.secret, context.address, own)) throw new WeirError('permission_denied', 'Only the gateway may ask this');
      const verdict = await guard.judge(body);
      if (verdict.allowed) {
        onAllowed(body, verdict.admission);
        return undefined;
      }
      const { user, ip, action, path, protocol } = body;
      if (verdict.why !== 'empty') log.info({ user, ip, action, path, protocol, why: verdict.why }, 'the gateway was told to refuse somebody');
      throw refusal();
    },
    async create_stream_token(session, { params, body }) {
      const { stream_id } = params;
      if (!reaches(session, stream_id)) throw notYours(stream_id);
      if (!knowsStream(stream_id))
        throw new WeirError('not_found', `There is no stream ${stream_id}`, { facts: { resource: 'stream', id: stream_id } });
      const actions = body?.actions ?? (['read'] as const);
      if (actions.includes('publish') && !roleAllows(session.role, 'operator')) {
        throw new WeirError('permission_denied', 'A token for publishing needs the role operator', {
          facts: { required_role: 'operator', have_role: session.role },
        });
      }
      const expiresInS = boundedLife(body?.expires_in_s ?? defaultTokenS, session);
      return await tokens.issue({ streamId: stream_id, actions, expiresInS, subject: session.username, userId: session.user_id });
    },
    jwks: () => tokens.jwks(),
  };
}

/** A token does not outlive the login that made it, unless that was a session, which its user's rights stand behind. */
function boundedLife(wantedS: number, session: Session): number {
  if (session.user_id !== null || session.expires_at === null) return wantedS;
  return Math.max(1, Math.min(wantedS, Math.floor((Date.parse(session.expires_at) - Date.now()) / 1000)));
}

function reaches(session: Session, streamId: string): boolean {
  return session.streams === null || session.streams.includes(streamId);
}

function notYours(streamId: string): WeirError {
  return new WeirError('permission_denied', 'You may not use this stream', { field: 'stream_id', received: streamId });
}

function isAsker(secret: string | undefined, address: string | undefined, own: OwnCredentials): boolean {
  if (secret !== undefined) return isSameSecret(secret, own.callback);
  return address !== undefined && /^(?:127\.|::1$|::ffff:127\.)/.test(address);
}
