/** Talks to one ONVIF device: who it is, what its profiles are, where their media is. */
import { WeirError } from '../../contracts/index.js';
import type { Credentials } from '../registry/address.js';
import { answerChallenge, parseChallenge } from './http-digest.js';
import { type PostAnswer, post } from './post.js';
import { usernameToken } from './username-token.js';
import { attribute, element, elements, escapeXml, numberAt, parseXml, textAt, type XmlElement } from './xml.js';

const soap = 'http://www.w3.org/2003/05/soap-envelope';
const device = 'http://www.onvif.org/ver10/device/wsdl';
const media1 = 'http://www.onvif.org/ver10/media/wsdl';
const media2 = 'http://www.onvif.org/ver20/media/wsdl';
const schema = 'http://www.onvif.org/ver10/schema';

const maxProfiles = 32;
/** Tokens that are further off are refused by most devices; some take one minute, some five seconds. */
const clockToleranceMs = 3000;

export interface DeviceInformation {
  readonly manufacturer: string | undefined;
  readonly model: string | undefined;
}

export interface MediaProfile {
  readonly name: string;
  /** As the device says; without credentials, and always on the device's own host. */
  readonly uri: string;
  /** Lower case, for example `h264`. */
  readonly codec: string | undefined;
  readonly width: number | undefined;
  readonly height: number | undefined;
  readonly frameRate: number | undefined;
}

export interface DeviceOptions extends Credentials {
  /** Of each call. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

interface Call {
  readonly namespace: string;
  readonly name: string;
  readonly body?: string;
}

/** Holds the clock offset and the credentials; every call is bounded. All failures are `WeirError`s. */
export class OnvifDevice {
  readonly #service: URL;
  readonly #options: DeviceOptions;
  #clockOffsetMs = 0;
  /** A login was taken or finally refused, so that the clock is no question any more: each wrong attempt may bring a user nearer to a lock. */
  #isClockKnown = false;

  constructor(service: URL, options: DeviceOptions) {
    this.#service = service;
    this.#options = options;
  }

  /**
   * Reads the device's clock, which tokens must be dated by. Throws `unavailable` when this is no ONVIF device. One that wants a login even
   * for that, or tells a wrong time, is taken by the time in its HTTP answers.
   */
  async open(): Promise<void> {
    try {
      const answer = await this.#call(this.#service, { namespace: device, name: 'GetSystemDateAndTime' }, false);
      const now = readDate(element(answer, 'GetSystemDateAndTimeResponse', 'SystemDateAndTime', 'UTCDateTime'));
      if (now !== undefined) this.#clockOffsetMs = now - Date.now();
    } catch (error) {
      if (!isRefusedLogin(error)) throw error;
    }
  }

  async information(): Promise<DeviceInformation> {
    const answer = await this.#call(this.#service, { namespace: device, name: 'GetDeviceInformation' });
    const found = element(answer, 'GetDeviceInformationResponse');
    return { manufacturer: textAt(found, 'Manufacturer'), model: textAt(found, 'Model') };
  }

  /** Profiles whose media can be had, those of Media2 where it is offered. Throws `invalid_argument` for credentials it does not take. */
  async profiles(): Promise<MediaProfile[]> {
    const services = await this.#mediaServices();
    if (services.media2 !== undefined) {
      const found = await this.#profilesBy(services.media2, media2).catch((error: unknown) => {
        if (services.media1 === undefined || isRefusedLogin(error)) throw error;
        return [];
      });
      if (found.length > 0) return found;
    }
    if (services.media1 === undefined) throw new WeirError('unavailable', `${this.#service.host} has no media service`);
    return this.#profilesBy(services.media1, media1);
  }

  async #mediaServices(): Promise<{ media1: URL | undefined; media2: URL | undefined }> {
    const call = { namespace: device, name: 'GetServices', body: '<IncludeCapability>false</IncludeCapability>' };
    const services = await this.#call(this.#service, call).catch((error: unknown) => {
      if (isRefusedLogin(error) || WeirError.from(error).code !== 'unavailable') throw error;
      return undefined;
    });
    const found = new Map(
      elements(element(services, 'GetServicesResponse'), 'Service').map((one) => [textAt(one, 'Namespace'), textAt(one, 'XAddr')]),
    );
    if (found.has(media1) || found.has(media2)) return { media1: this.#own(found.get(media1)), media2: this.#own(found.get(media2)) };
    // Older devices know only this question.
    const answer = await this.#call(this.#service, { namespace: device, name: 'GetCapabilities', body: '<Category>All</Category>' });
    return { media1: this.#own(textAt(answer, 'GetCapabilitiesResponse', 'Capabilities', 'Media', 'XAddr')), media2: undefined };
  }

  async #profilesBy(service: URL, namespace: string): Promise<MediaProfile[]> {
    const body = namespace === media2 ? '<Type>VideoEncoder</Type>' : '';
    const answer = await this.#call(service, { namespace, name: 'GetProfiles', body });
    const found: MediaProfile[] = [];
    for (const profile of elements(element(answer, 'GetProfilesResponse'), 'Profiles').slice(0, maxProfiles)) {
      const token = attribute(profile, 'token');
      const encoder = element(profile, 'VideoEncoderConfiguration') ?? element(profile, 'Configurations', 'VideoEncoder');
      if (token === undefined || encoder === undefined) continue;
      // One profile that cannot be had takes nothing from the others.
      const uri = await this.#streamUri(service, namespace, token).catch((error: unknown) => {
        if (isRefusedLogin(error) || WeirError.from(error).code !== 'unavailable') throw error;
        return undefined;
      });
      if (uri !== undefined) found.push({ name: textAt(profile, 'Name') ?? token, uri, ...readEncoder(encoder) });
    }
    return found;
  }

  async #streamUri(service: URL, namespace: string, token: string): Promise<string | undefined> {
    const profile = `<ProfileToken>${escapeXml(token)}</ProfileToken>`;
    const setup = `<StreamSetup><Stream xmlns="${schema}">RTP-Unicast</Stream><Transport xmlns="${schema}"><Protocol>RTSP</Protocol></Transport></StreamSetup>`;
    const ask = (body: string) => this.#call(service, { namespace, name: 'GetStreamUri', body });
    // Two words for one thing: RTSP with its media in the same connection or beside it, which is chosen in RTSP anyway.
    const answer =
      namespace === media2
        ? await ask(`<Protocol>RTSP</Protocol>${profile}`).catch((error: unknown) => {
            if (isRefusedLogin(error) || WeirError.from(error).code !== 'unavailable') throw error;
            return ask(`<Protocol>RtspUnicast</Protocol>${profile}`);
          })
        : await ask(`${setup}${profile}`);
    const response = element(answer, 'GetStreamUriResponse');
    return this.#ownMedia(textAt(response, 'MediaUri', 'Uri') ?? textAt(response, 'Uri'));
  }

  /** An address that the device names, on the host we were told to ask: what stands behind another one is none of its business. */
  #own(address: string | undefined): URL | undefined {
    if (address === undefined || !URL.canParse(address)) return undefined;
    const url = new URL(address);
    if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined;
    // Behind an address translation the device names itself as it is called inside, where its port is another as well.
    const isSame = url.hostname === this.#service.hostname;
    const own = new URL(url.pathname + url.search, this.#service);
    return isSame ? new URL(url.pathname + url.search, url.origin) : own;
  }

  #ownMedia(address: string | undefined): string | undefined {
    if (address === undefined || !/^rtsps?:\/\/[^/]/i.test(address) || !URL.canParse(address)) return undefined;
    const url = new URL(address);
    url.username = '';
    url.password = '';
    url.hostname = this.#service.hostname;
    return url.href;
  }

  async #call(service: URL, call: Call, hasLogin = true): Promise<XmlElement> {
    const login = hasLogin && (this.#options.username ?? '') !== '';
    let answer = await this.#exchange(service, call, login);
    if (!login || this.#isClockKnown) return readAnswer(service, call.name, answer);
    const tried = [this.#clockOffsetMs];
    for (;;) {
      try {
        const content = readAnswer(service, call.name, answer);
        this.#isClockKnown = true;
        return content;
      } catch (error) {
        const told = answer.dateMs === undefined ? undefined : answer.dateMs - Date.now();
        const offset = isRefusedLogin(error) ? untried([told, 0], tried) : undefined;
        this.#isClockKnown = isRefusedLogin(error) && offset === undefined;
        if (offset === undefined) throw error;
        tried.push(offset);
        this.#clockOffsetMs = offset;
        answer = await this.#exchange(service, call, login);
      }
    }
  }

  /** Asks, and answers a challenge for the login; a device that calls its challenge stale gets another answer. */
  async #exchange(service: URL, call: Call, login: boolean): Promise<PostAnswer> {
    const { username = '', password = '', timeoutMs, signal } = this.#options;
    const headers = { 'Content-Type': `application/soap+xml; charset=utf-8; action="${call.namespace}/${call.name}"` };
    const path = service.pathname + service.search;
    let answer = await post(service, this.#envelope(call, login), { headers, timeoutMs, signal });
    for (let attempt = 1; attempt <= 2 && login && answer.status === 401; attempt++) {
      const challenge = parseChallenge(answer.challenges);
      if (challenge === undefined || (attempt > 1 && !challenge.isStale)) break;
      const Authorization = answerChallenge(challenge, { method: 'POST', path, username, password });
      answer = await post(service, this.#envelope(call, login), { headers: { ...headers, Authorization }, timeoutMs, signal });
    }
    return answer;
  }

  #envelope({ namespace, name, body = '' }: Call, hasLogin: boolean): string {
    const { username = '', password = '' } = this.#options;
    const head = hasLogin ? `<s:Header>${usernameToken(username, password, new Date(Date.now() + this.#clockOffsetMs))}</s:Header>` : '';
    return `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="${soap}">${head}<s:Body><${name} xmlns="${namespace}">${body}</${name}></s:Body></s:Envelope>`;
  }
}

/** The first offset that differs from all that were tried by more than a device would forgive. */
function untried(candidates: readonly (number | undefined)[], tried: readonly number[]): number | undefined {
  return candidates.find((one) => one !== undefined && tried.every((offset) => Math.abs(offset - one) > clockToleranceMs));
}

/** Whether the device wants other credentials than it was given. */
export function isRefusedLogin(error: unknown): boolean {
  return error instanceof WeirError && error.code === 'invalid_argument' && error.errors.some((entry) => entry.field === 'password');
}

function readAnswer(service: URL, name: string, { status, body }: PostAnswer): XmlElement {
  if (status === 401 || status === 403) throw refusedLogin(service);
  if (status >= 300 && status < 400)
    throw new WeirError('unavailable', `${service.host} leads elsewhere, which is not followed`, {
      hint: 'A camera that speaks HTTPS only is written onvif://host:443',
    });
  if (status === 404) throw new WeirError('unavailable', `${service.host} offers no ONVIF at ${service.pathname}`);
  const content = element(parseXml(body), 'Envelope', 'Body');
  const fault = element(content, 'Fault');
  if (fault !== undefined) throw faultOf(service, name, fault);
  if (content === undefined || element(content, `${name}Response`) === undefined) {
    throw new WeirError('unavailable', `${service.host} did not answer ${name} as an ONVIF device does`);
  }
  return content;
}

function faultOf(service: URL, name: string, fault: XmlElement): WeirError {
  const codes = [textAt(fault, 'Code', 'Subcode', 'Value'), textAt(fault, 'Code', 'Subcode', 'Subcode', 'Value'), textAt(fault, 'faultcode')];
  const words = codes.map((code) => code?.split(':').at(-1) ?? '');
  if (words.some((word) => /^(?:NotAuthorized|FailedAuthentication|InvalidSecurity|FailedCheck)$/.test(word))) return refusedLogin(service);
  const reason = textAt(fault, 'Reason', 'Text') ?? textAt(fault, 'faultstring') ?? (words.filter((word) => word !== '').join(', ') || 'no reason');
  return new WeirError('unavailable', `${service.host} refused ${name}: ${reason.slice(0, 200)}`);
}

function refusedLogin(service: URL): WeirError {
  return new WeirError('invalid_argument', `${service.host} does not take this user and password`, {
    field: 'password',
    received: '***',
    hint: 'Many cameras have ONVIF users of their own, and some have ONVIF switched off',
  });
}

function readEncoder(encoder: XmlElement): Pick<MediaProfile, 'codec' | 'width' | 'height' | 'frameRate'> {
  const codec = textAt(encoder, 'Encoding')?.toLowerCase();
  const positive = (value: number | undefined) => (value !== undefined && value > 0 && value < 1e6 ? value : undefined);
  const whole = (value: number | undefined) => (Number.isInteger(value) ? positive(value) : undefined);
  return {
    codec,
    width: whole(numberAt(encoder, 'Resolution', 'Width')),
    height: whole(numberAt(encoder, 'Resolution', 'Height')),
    frameRate: positive(numberAt(encoder, 'RateControl', 'FrameRateLimit')),
  };
}

function readDate(utc: XmlElement | undefined): number | undefined {
  const part = (...path: string[]) => numberAt(utc, ...path) ?? Number.NaN;
  const ms = Date.UTC(
    part('Date', 'Year'),
    part('Date', 'Month') - 1,
    part('Date', 'Day'),
    part('Time', 'Hour'),
    part('Time', 'Minute'),
    part('Time', 'Second'),
  );
  return Number.isFinite(ms) ? ms : undefined;
}
