/** An ONVIF device for tests: real HTTP and UDP servers that answer as the schemas say, with the faults that real devices show. */
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

export interface FakeProfile {
  readonly token: string;
  readonly name: string;
  readonly codec: 'H264' | 'H265' | 'JPEG';
  readonly width: number;
  readonly height: number;
  readonly frameRate: number;
}

export interface FakeOnvifOptions {
  readonly credentials?: { readonly username: string; readonly password: string };
  /** How credentials are wanted; default `token` (WS-Security). */
  readonly authentication?: 'token' | 'http-digest' | 'http-digest-sha256';
  /** Its clock is ahead of ours by so much; tokens off by more than 5 s of it are refused. */
  readonly clockOffsetMs?: number;
  /** Wants the login for its clock as well. */
  readonly hidesClock?: boolean;
  /** Tells a clock that is off by so much from the one that it checks tokens with, as devices do that mistake their zone. */
  readonly clockLieMs?: number;
  /** Does not say the time in HTTP. */
  readonly hasNoDate?: boolean;
  /** Calls the first answer to a challenge stale. */
  readonly isForgetful?: boolean;
  /** Calls that it refuses with a fault. */
  readonly refuses?: readonly string[];
  /** The word for RTSP that its Media2 knows; default both. */
  readonly media2Word?: 'RTSP' | 'RtspUnicast';
  /** Prefixes of the namespaces in answers; default the usual ones. */
  readonly prefixes?: 'usual' | 'odd' | 'none';
  /** Offers Media2; default false. */
  readonly hasMedia2?: boolean;
  /** Does not know GetServices, as before ONVIF 2.1. */
  readonly isOld?: boolean;
  readonly profiles?: readonly FakeProfile[];
  /** Host that the device believes to have, in the addresses it names. */
  readonly believedHost?: string;
  /** What comes instead of an answer. */
  readonly fault?: 'garbage' | 'html' | 'doctype' | 'huge' | 'slow' | 'redirect' | 'closes' | '404';
  /** Where a redirect leads. */
  readonly redirectTo?: string;
  /** Further XML in the answer to a probe, or the whole of it. */
  readonly probeAnswer?: (messageId: string, xaddr: string) => string;
}

export interface FakeOnvif extends AsyncDisposable {
  readonly port: number;
  /** Where probes are listened for. */
  readonly probePort: number;
  /** `onvif://127.0.0.1:port` */
  readonly source: string;
  /** Names of the calls, in order; refused ones with `!`. */
  readonly calls: string[];
  /** Bodies as they came. */
  readonly bodies: string[];
}

const defaultProfiles: readonly FakeProfile[] = [
  { token: 'main', name: 'Main & best', codec: 'H264', width: 1920, height: 1080, frameRate: 25 },
  { token: 'sub', name: 'Sub', codec: 'H264', width: 640, height: 360, frameRate: 15 },
];

const wsdl = {
  device: 'http://www.onvif.org/ver10/device/wsdl',
  media1: 'http://www.onvif.org/ver10/media/wsdl',
  media2: 'http://www.onvif.org/ver20/media/wsdl',
};

export async function startFakeOnvif(options: FakeOnvifOptions = {}): Promise<FakeOnvif> {
  const calls: string[] = [];
  let stale = 0;
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const base = `http://${options.believedHost ?? '127.0.0.1'}:${port}`;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const name = /<(?:\w+:)?Body>\s*<(?:\w+:)?(\w+)/.exec(body)?.[1] ?? 'nothing';
    bodies.push(body);
    const camera = new Date(Date.now() + (options.clockOffsetMs ?? 0));
    if (options.hasNoDate === true) response.sendDate = false;
    else response.setHeader('Date', camera.toUTCString());
    if (misbehave(response, options)) return void calls.push(name);
    const isOpen = name === 'GetSystemDateAndTime' && options.hidesClock !== true;
    const isStale = options.isForgetful === true && request.headers.authorization !== undefined && !isOpen && ++stale === 1;
    if (isStale || (!isOpen && !isAuthorized(request, body, options))) {
      calls.push(`!${name}`);
      return refuse(response, options, isStale);
    }
    calls.push(name);
    const [status, content] = contentFor(name, body, base, options);
    response.writeHead(status, { 'Content-Type': 'application/soap+xml; charset=utf-8' }).end(envelope(content, options));
  }

  const udp = createSocket('udp4');
  udp.bind(0, '127.0.0.1');
  await once(udp, 'listening');
  udp.on('message', (packet, from) => {
    const text = packet.toString();
    const id = /MessageID>([^<]+)</.exec(text)?.[1] ?? '';
    if (!text.includes('NetworkVideoTransmitter')) return;
    const xaddr = `${base}/onvif/device_service`;
    udp.send((options.probeAnswer ?? probeMatch)(id, xaddr), from.port, from.address);
  });
  return {
    port,
    probePort: udp.address().port,
    source: `onvif://127.0.0.1:${port}`,
    calls,
    bodies,
    async [Symbol.asyncDispose]() {
      udp.close();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Answers in a way no ONVIF device should; true when it did. */
function misbehave(response: ServerResponse, { fault, redirectTo = 'http://127.0.0.1:1/' }: FakeOnvifOptions): boolean {
  if (fault === undefined) return false;
  const deeds: Record<NonNullable<FakeOnvifOptions['fault']>, () => unknown> = {
    garbage: () => response.end(Buffer.from([0xff, 0xfe, 0, 1, 2, 3])),
    html: () => response.end('<html><body>Login</body></html>'),
    doctype: () => response.end('<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>'),
    huge: () => response.end(`<e:Envelope>${'x'.repeat(4 * 1024 * 1024)}`),
    slow: () => undefined,
    redirect: () => response.writeHead(302, { Location: redirectTo }).end(),
    closes: () => response.destroy(),
    '404': () => response.writeHead(404).end(),
  };
  deeds[fault]();
  return true;
}

function refuse(response: ServerResponse, options: FakeOnvifOptions, isStale: boolean): void {
  if (options.authentication === 'http-digest' || options.authentication === 'http-digest-sha256') {
    const algorithm = options.authentication === 'http-digest' ? 'MD5' : 'SHA-256';
    response
      .writeHead(401, {
        'WWW-Authenticate': [
          `Digest realm="IP camera", qop="auth,auth-int", nonce="n\\"1", opaque="o", algorithm=${algorithm}${isStale ? ', stale=TRUE' : ''}`,
          'Basic realm="x"',
        ],
      })
      .end();
    return;
  }
  const fault =
    '<s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:NotAuthorized</s:Value></s:Subcode></s:Code><s:Reason><s:Text xml:lang="en">Sender not authorized</s:Text></s:Reason>';
  response
    .writeHead(400, { 'Content-Type': 'application/soap+xml' })
    .end(envelope(`<s:Fault xmlns:ter="http://www.onvif.org/ver10/error">${fault}</s:Fault>`, options));
}

function isAuthorized(request: IncomingMessage, body: string, options: FakeOnvifOptions): boolean {
  if (options.credentials === undefined) return true;
  return (options.authentication ?? 'token') === 'token' ? hasToken(body, options) : hasDigest(request, options);
}

/** Digest = Base64(SHA-1(nonce + created + password)), created within five seconds of the device's clock. */
function hasToken(body: string, { credentials, clockOffsetMs = 0 }: FakeOnvifOptions): boolean {
  const part = (name: string) => new RegExp(`<(?:\\w+:)?${name}(?:\\s[^>]*)?>([^<]*)<`).exec(body)?.[1] ?? '';
  const created = part('Created');
  const digest = createHash('sha1')
    .update(Buffer.from(part('Nonce'), 'base64'))
    .update(created)
    .update(credentials?.password ?? '')
    .digest('base64');
  const isTimely = Math.abs(Date.parse(created) - (Date.now() + clockOffsetMs)) < 5000;
  return isTimely && part('Username') === credentials?.username && part('Password') === digest;
}

function hasDigest(request: IncomingMessage, { credentials, authentication }: FakeOnvifOptions): boolean {
  const given = request.headers.authorization ?? '';
  const field = (name: string) => new RegExp(`\\b${name}="?((?:[^",\\\\]|\\\\.)*)`).exec(given)?.[1]?.replace(/\\(.)/g, '$1') ?? '';
  const hash = (text: string) =>
    createHash(authentication === 'http-digest' ? 'md5' : 'sha256')
      .update(text)
      .digest('hex');
  const user = `${credentials?.username}:IP camera:${credentials?.password}`;
  const wanted = hash(`${hash(user)}:n"1:${field('nc')}:${field('cnonce')}:auth:${hash(`POST:${request.url}`)}`);
  return given.startsWith('Digest ') && field('opaque') === 'o' && field('uri') === request.url && field('response') === wanted;
}

const notSupported: [number, string] = [
  500,
  '<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:ActionNotSupported</s:Value></s:Subcode></s:Code><s:Reason><s:Text>Optional Action Not Implemented</s:Text></s:Reason></s:Fault>',
];

function contentFor(name: string, body: string, base: string, options: FakeOnvifOptions): [number, string] {
  const isMedia2 = body.includes(wsdl.media2);
  const media = isMedia2 ? 'tr2' : 'trt';
  const profiles = options.profiles ?? defaultProfiles;
  if (options.refuses?.includes(name) === true) return notSupported;
  switch (name) {
    case 'GetSystemDateAndTime':
      return [
        200,
        `<tds:GetSystemDateAndTimeResponse>${dateAndTime(new Date(Date.now() + (options.clockOffsetMs ?? 0) + (options.clockLieMs ?? 0)))}</tds:GetSystemDateAndTimeResponse>`,
      ];
    case 'GetDeviceInformation':
      return [
        200,
        '<tds:GetDeviceInformationResponse><tds:Manufacturer>Acme</tds:Manufacturer><tds:Model>Eye &amp; Ear</tds:Model><tds:FirmwareVersion>1</tds:FirmwareVersion><tds:SerialNumber>S1</tds:SerialNumber><tds:HardwareId>H</tds:HardwareId></tds:GetDeviceInformationResponse>',
      ];
    case 'GetServices':
      if (options.isOld === true) return notSupported;
      return [
        200,
        `<tds:GetServicesResponse>${service(wsdl.device, `${base}/onvif/device_service`)}${service(wsdl.media1, `${base}/onvif/media`)}${options.hasMedia2 === true ? service(wsdl.media2, `${base}/onvif/media2`) : ''}</tds:GetServicesResponse>`,
      ];
    case 'GetCapabilities':
      return [
        200,
        `<tds:GetCapabilitiesResponse><tds:Capabilities><tt:Media><tt:XAddr>${base}/onvif/media</tt:XAddr></tt:Media></tds:Capabilities></tds:GetCapabilitiesResponse>`,
      ];
    case 'GetProfiles':
      return [
        200,
        `<${media}:GetProfilesResponse>${profiles.map((profile) => (isMedia2 ? profile2(profile) : profile1(profile))).join('')}</${media}:GetProfilesResponse>`,
      ];
    case 'GetStreamUri': {
      if (isMedia2 && options.media2Word !== undefined && !body.includes(`<Protocol>${options.media2Word}<`)) return notSupported;
      const token = /ProfileToken[^>]*>([^<]*)</.exec(body)?.[1] ?? '';
      const uri = `rtsp://${options.believedHost ?? '127.0.0.1'}:8554/${token}?unicast=1&amp;proto=Onvif`;
      return [
        200,
        isMedia2
          ? `<tr2:GetStreamUriResponse><tr2:Uri>${uri}</tr2:Uri></tr2:GetStreamUriResponse>`
          : `<trt:GetStreamUriResponse><trt:MediaUri><tt:Uri>${uri}</tt:Uri></trt:MediaUri></trt:GetStreamUriResponse>`,
      ];
    }
    default:
      return [500, '<s:Fault><s:Code><s:Value>s:Receiver</s:Value></s:Code><s:Reason><s:Text>unknown</s:Text></s:Reason></s:Fault>'];
  }
}

function service(namespace: string, xaddr: string): string {
  return `<tds:Service><tds:Namespace>${namespace}</tds:Namespace><tds:XAddr>${xaddr}</tds:XAddr><tds:Version><tt:Major>2</tt:Major><tt:Minor>0</tt:Minor></tds:Version></tds:Service>`;
}

function profile1({ token, name, codec, width, height, frameRate }: FakeProfile): string {
  const encoder = `<tt:Encoding>${codec}</tt:Encoding><tt:Resolution><tt:Width>${width}</tt:Width><tt:Height>${height}</tt:Height></tt:Resolution><tt:RateControl><tt:FrameRateLimit>${frameRate}</tt:FrameRateLimit></tt:RateControl>`;
  return `<trt:Profiles token="${token}" fixed="true"><tt:Name>${name.replace('&', '&amp;')}</tt:Name><tt:VideoEncoderConfiguration token="e">${encoder}</tt:VideoEncoderConfiguration></trt:Profiles>`;
}

function profile2({ token, name, codec, width, height, frameRate }: FakeProfile): string {
  const encoder = `<tt:Encoding>${codec}</tt:Encoding><tt:Resolution><tt:Width>${width}</tt:Width><tt:Height>${height}</tt:Height></tt:Resolution><tt:RateControl ConstantBitRate="false"><tt:FrameRateLimit>${frameRate}.0</tt:FrameRateLimit></tt:RateControl>`;
  return `<tr2:Profiles token="${token}"><tr2:Name>${name.replace('&', '&#38;')} 2</tr2:Name><tr2:Configurations><tr2:VideoEncoder token="e">${encoder}</tr2:VideoEncoder></tr2:Configurations></tr2:Profiles>`;
}

function dateAndTime(now: Date): string {
  const time = `<tt:Time><tt:Hour>${now.getUTCHours()}</tt:Hour><tt:Minute>${now.getUTCMinutes()}</tt:Minute><tt:Second>${now.getUTCSeconds()}</tt:Second></tt:Time>`;
  const date = `<tt:Date><tt:Year>${now.getUTCFullYear()}</tt:Year><tt:Month>${now.getUTCMonth() + 1}</tt:Month><tt:Day>${now.getUTCDate()}</tt:Day></tt:Date>`;
  return `<tds:SystemDateAndTime><tt:DateTimeType>NTP</tt:DateTimeType><tt:UTCDateTime>${time}${date}</tt:UTCDateTime></tds:SystemDateAndTime>`;
}

function envelope(content: string, { prefixes = 'usual' }: FakeOnvifOptions): string {
  const names = {
    s: 'http://www.w3.org/2003/05/soap-envelope',
    tds: wsdl.device,
    trt: wsdl.media1,
    tr2: wsdl.media2,
    tt: 'http://www.onvif.org/ver10/schema',
  };
  const spaces = Object.entries(names).map(([prefix, uri]) => ` xmlns:${prefix}="${uri}"`);
  const text = `<s:Envelope${spaces.join('')}><s:Header/><s:Body>${content}</s:Body></s:Envelope>`;
  if (prefixes === 'odd') return `<?xml version="1.0"?>\n<!-- -->${text.replace(/(<\/?|xmlns:)(s|tds|trt|tr2|tt)(?=[:=])/g, '$1X-$2_9.z')}`;
  return prefixes === 'none' ? text.replace(/(<\/?)(?:s|tds|trt|tr2|tt):/g, '$1') : text;
}

function probeMatch(messageId: string, xaddr: string): string {
  const scopes = 'onvif://www.onvif.org/type/video_encoder onvif://www.onvif.org/name/Gate%20%C3%9Cnit onvif://www.onvif.org/hardware/EYE-1';
  return `<?xml version="1.0"?><SOAP-ENV:Envelope xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope" xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"><SOAP-ENV:Header><wsa:RelatesTo>${messageId}</wsa:RelatesTo></SOAP-ENV:Header><SOAP-ENV:Body><d:ProbeMatches><d:ProbeMatch><wsa:EndpointReference><wsa:Address>urn:uuid:1</wsa:Address></wsa:EndpointReference><d:Types>dn:NetworkVideoTransmitter</d:Types><d:Scopes>${scopes}</d:Scopes><d:XAddrs>http://[fe80::1]/onvif/device_service ${xaddr}</d:XAddrs><d:MetadataVersion>1</d:MetadataVersion></d:ProbeMatch></d:ProbeMatches></SOAP-ENV:Body></SOAP-ENV:Envelope>`;
}
