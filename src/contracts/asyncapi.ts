/** The bus as AsyncAPI 3, from the channel table; operations are told from the side of the one who connects in that role. */
import { type BusRole, busRoles, type Channel, channelNames, channels, defaultRoots, type Roots } from './channels.js';
import { type JsonSchema, SchemaCollection } from './json-schema.js';
import { mediaHeaders } from './media.js';

/** Builds the document. `version` is that of the program. */
export function createAsyncApi(version: string, roots: Roots = defaultRoots): JsonSchema {
  const schemas = new SchemaCollection();
  const described: Record<string, JsonSchema> = {};
  const operations: Record<string, JsonSchema> = {};
  for (const name of channelNames) {
    const channel: Channel = channels[name];
    described[name] = describeChannel(name, channel, schemas, roots);
    Object.assign(operations, describeOperations(name, channel));
  }
  return {
    asyncapi: '3.0.0',
    info: { title: 'Weir bus', version, description: 'Every subject of the NATS bus.', license: { name: 'Apache-2.0' } },
    defaultContentType: 'application/json',
    channels: described,
    operations,
    components: { schemas: schemas.schemas },
  };
}

function describeChannel(name: string, channel: Channel, schemas: SchemaCollection, roots: Roots): JsonSchema {
  const parameters = [...channel.address.matchAll(/\{(\w+)\}/g)].map((match) => [match[1] ?? '', { description: 'one token' }]);
  const message: JsonSchema =
    channel.kind === 'bytes'
      ? {
          contentType: 'video/mp4',
          headers: { type: 'object', properties: Object.fromEntries(Object.values(mediaHeaders).map((header) => [header, { type: 'string' }])) },
        }
      : { payload: schemas.of(channel.message) };
  const messages: Record<string, JsonSchema> = { message };
  if (channel.reply !== undefined) messages.reply = { payload: schemas.of(channel.reply) };
  return {
    address: channel.address.replace(/^\w+/, (root) => roots[root as keyof Roots]),
    title: name,
    description: channel.rate === undefined ? channel.summary : `${channel.summary} Rate: ${channel.rate}.`,
    messages,
    ...(parameters.length === 0 ? {} : { parameters: Object.fromEntries(parameters) }),
  };
}

function describeOperations(name: string, channel: Channel): Record<string, JsonSchema> {
  const reference = { $ref: `#/channels/${name}` };
  const send: JsonSchema = { action: 'send', channel: reference, summary: channel.summary, 'x-weir-roles': ordered(channel.publishers) };
  const receive: JsonSchema = { action: 'receive', channel: reference, summary: channel.summary, 'x-weir-roles': ordered(channel.subscribers) };
  if (channel.reply !== undefined) {
    const reply = { address: { location: '$message.header#/reply' }, channel: reference, messages: [{ $ref: `#/channels/${name}/messages/reply` }] };
    send.reply = reply;
    receive.reply = reply;
  }
  for (const operation of [send, receive]) operation.messages = [{ $ref: `#/channels/${name}/messages/message` }];
  return { [`send_${name}`]: send, [`receive_${name}`]: receive };
}

function ordered(roles: readonly BusRole[]): BusRole[] {
  return busRoles.filter((role) => roles.includes(role));
}
