/** Every method of the contract with the work behind it. */
import type { MethodParts, RpcWorks } from '../call.js';
import { cameraWorks } from './cameras.js';
import { eventWorks } from './events.js';
import { externalWorks } from './external.js';
import { recordingWorks } from './recordings.js';
import { type SessionParts, sessionWorks } from './session.js';
import { streamWorks } from './streams.js';
import { systemWorks } from './system.js';

export function createRpcWorks(parts: MethodParts & SessionParts): RpcWorks {
  return {
    ...sessionWorks(parts),
    ...cameraWorks(parts),
    ...recordingWorks(parts),
    ...streamWorks(parts),
    ...systemWorks(parts),
    ...eventWorks(parts),
    ...externalWorks(parts),
  };
}
