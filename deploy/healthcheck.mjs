/** Health of the hub in this container: exit code 0 when it is ready. Asks at the address that the hub has written down for programs of this machine. */
import { readFileSync } from 'node:fs';
import { get as getHttp } from 'node:http';
import { get as getHttps } from 'node:https';

const { url } = JSON.parse(readFileSync(`${process.env.WEIR_DATA_DIR}/run/hub.json`, 'utf8'));
const get = url.startsWith('https:') ? getHttps : getHttp;
// Its own certificate need not be made for this name.
const request = get(new URL('/health/ready', url), { rejectUnauthorized: false, timeout: 4000 }, (answer) => {
  answer.resume();
  process.exitCode = answer.statusCode === 200 ? 0 : 1;
});
request.on('timeout', () => request.destroy(new Error('no answer within 4 s')));
request.on('error', (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
