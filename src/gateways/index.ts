/** The door of the gateways: RTSP, WebRTC, SRT and RTMP for players that do not speak the bus. */
export type {
  Gateway,
  GatewayAccess,
  GatewayBackend,
  GatewayEvent,
  GatewayOperations,
  GatewayPrincipal,
  GatewayRecording,
  GatewayRecordOrder,
  GatewayRouteName,
  GatewaySettings,
  GatewayTokens,
  PathSource,
  PathWish,
  SeenPath,
  WishedPaths,
} from './gateway.js';
export type { GatewayOptions } from './options.js';
export { startGateway } from './start-gateway.js';
