/** WS-Discovery: asks the local networks which ONVIF devices are there. */
import { randomUUID } from 'node:crypto';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import { element, elements, parseXml, textAt, type XmlElement } from './xml.js';

export interface ProbePlace {
  readonly address: string;
  readonly port: number;
  /** IPv4 addresses to ask from; default: all of this machine. */
  readonly interfaces?: readonly string[];
}

/** The group that ONVIF devices listen to. */
export const multicastProbe: ProbePlace = { address: '239.255.255.250', port: 3702 };

/** A device that answered. */
export interface ProbedDevice {
  /** Its device service, on the address the answer came from. */
  readonly service: URL;
  readonly name: string | undefined;
  readonly hardware: string | undefined;
}

const maxDevices = 256;
const maxAnswerBytes = 32 * 1024;
const repeatMs = 250;

/** Collects answers for as long as told. `errors` names the networks that could not be asked; a machine without network finds nothing. */
export async function probeNetwork(
  place: ProbePlace,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<{ devices: ProbedDevice[]; errors: string[] }> {
  const found = new Map<string, ProbedDevice>();
  const ids = new Set<string>();
  const errors: string[] = [];
  const take = (packet: Buffer, from: RemoteInfo) => {
    if (packet.length > maxAnswerBytes || found.size >= maxDevices) return;
    for (const { endpoint, isOwn, device } of readMatches(packet, from, ids)) {
      // One that hangs on two of our networks answers from both; the address it calls its own is the better one.
      if (isOwn || !found.has(endpoint)) found.set(endpoint, device);
    }
  };
  const sockets = await Promise.all((place.interfaces ?? ownAddresses()).map((address) => open(address, place, take, errors)));
  const ask = () => {
    for (const socket of sockets) {
      if (socket === undefined) continue;
      const id = `urn:uuid:${randomUUID()}`;
      ids.add(id);
      // A network that is gone just now answers nothing.
      socket.send(probeMessage(id), place.port, place.address, () => undefined);
    }
  };
  try {
    ask();
    // UDP may be lost: asked twice, as the standard advises.
    await pause(Math.min(repeatMs, timeoutMs / 2), signal);
    if (!signal.aborted) ask();
    await pause(Math.max(0, timeoutMs - Math.min(repeatMs, timeoutMs / 2)), signal);
  } finally {
    for (const socket of sockets) socket?.close();
  }
  return { devices: [...found.values()], errors };
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((list) => (list ?? []).filter((one) => one.family === 'IPv4').map((one) => one.address));
}

async function open(
  address: string,
  place: ProbePlace,
  take: (packet: Buffer, from: RemoteInfo) => void,
  errors: string[],
): Promise<Socket | undefined> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  socket.on('message', take);
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(0, address, resolve);
    });
    socket.removeAllListeners('error').on('error', () => undefined);
    if (isMulticast(place.address)) {
      socket.setMulticastInterface(address);
      socket.setMulticastTTL(1);
    }
    return socket;
  } catch (error) {
    socket.close();
    errors.push(`The network of ${address} could not be asked (${String((error as { code?: unknown }).code ?? error)})`);
    return undefined;
  }
}

function isMulticast(address: string): boolean {
  const first = Number(address.split('.')[0]);
  return first >= 224 && first <= 239;
}

function probeMessage(id: string): string {
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing"',
    ' xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl">',
    `<e:Header><w:MessageID>${id}</w:MessageID><w:To e:mustUnderstand="true">urn:schemas-xmlsoap-org:ws:2005:04:discovery</w:To>`,
    '<w:Action e:mustUnderstand="true">http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</w:Action></e:Header>',
    '<e:Body><d:Probe><d:Types>dn:NetworkVideoTransmitter</d:Types></d:Probe></e:Body></e:Envelope>',
  ].join('');
}

interface Match {
  /** Its own name for itself, the same on every network. */
  readonly endpoint: string;
  readonly isOwn: boolean;
  readonly device: ProbedDevice;
}

/** What is no answer to one of our questions is nothing. */
function readMatches(packet: Buffer, from: RemoteInfo, ids: ReadonlySet<string>): Match[] {
  let envelope: XmlElement | undefined;
  try {
    envelope = element(parseXml(packet.toString('utf8')), 'Envelope');
  } catch {
    return [];
  }
  if (!ids.has(textAt(envelope, 'Header', 'RelatesTo') ?? '')) return [];
  const matches = elements(element(envelope, 'Body', 'ProbeMatches'), 'ProbeMatch').slice(0, 8);
  return matches.flatMap((match) => {
    const xaddrs = textAt(match, 'XAddrs') ?? '';
    const service = serviceAt(xaddrs, from.address);
    if (service === undefined) return [];
    const scopes = (textAt(match, 'Scopes') ?? '').split(/\s+/);
    const endpoint = textAt(match, 'EndpointReference', 'Address') ?? service.href;
    const device = { service, name: scopeOf(scopes, 'name'), hardware: scopeOf(scopes, 'hardware') };
    return [{ endpoint, isOwn: xaddrs.includes(`//${from.address}`), device }];
  });
}

/** Of the addresses it names the one that the answer came from; a device speaks for no other host. */
function serviceAt(xaddrs: string, host: string): URL | undefined {
  const plain = xaddrs.split(/\s+/).map(withoutZone);
  const urls = plain.flatMap((text) => (URL.canParse(text) ? [new URL(text)] : []));
  const usable = urls.filter((url) => url.protocol === 'http:' || url.protocol === 'https:');
  // Asked over IPv4, it means by its IPv4 address the same port.
  const own = usable.find((url) => url.hostname === host) ?? usable.find((url) => !url.hostname.startsWith('[')) ?? usable[0];
  if (own === undefined) return undefined;
  own.hostname = host;
  own.username = '';
  own.password = '';
  return own;
}

/** A link-local address with the name of the device's own interface, as in `http://[fe80::1%25eth0]/`, is none that an address may have. */
function withoutZone(address: string): string {
  return address.replace(/^(https?:\/\/\[[0-9a-f:.]+)%[^\]]*\]/i, '$1]');
}

function scopeOf(scopes: readonly string[], kind: string): string | undefined {
  const prefix = `onvif://www.onvif.org/${kind}/`;
  const scope = scopes.find((one) => one.toLowerCase().startsWith(prefix))?.slice(prefix.length, prefix.length + 120);
  if (scope === undefined || scope === '') return undefined;
  try {
    return decodeURIComponent(scope);
  } catch {
    return scope;
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end, { once: true });
  });
}
