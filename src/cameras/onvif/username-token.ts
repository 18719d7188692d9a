/** The head of a SOAP message that names a user (WS-Security UsernameToken, password digest). */
import { createHash, randomBytes } from 'node:crypto';
import { escapeXml } from './xml.js';

const wss = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss';

/** `now` is by the camera's clock: it refuses what it takes for old or for the future. */
export function usernameToken(username: string, password: string, now: Date, nonce: Buffer = randomBytes(16)): string {
  const created = now.toISOString();
  const digest = createHash('sha1').update(nonce).update(created).update(password).digest('base64');
  return [
    `<wsse:Security s:mustUnderstand="1" xmlns:wsse="${wss}-wssecurity-secext-1.0.xsd" xmlns:wsu="${wss}-wssecurity-utility-1.0.xsd">`,
    `<wsse:UsernameToken><wsse:Username>${escapeXml(username)}</wsse:Username>`,
    `<wsse:Password Type="${wss}-username-token-profile-1.0#PasswordDigest">${digest}</wsse:Password>`,
    `<wsse:Nonce EncodingType="${wss}-soap-message-security-1.0#Base64Binary">${nonce.toString('base64')}</wsse:Nonce>`,
    `<wsu:Created>${created}</wsu:Created></wsse:UsernameToken></wsse:Security>`,
  ].join('');
}
