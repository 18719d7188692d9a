/** The HTTP API as OpenAPI 3.1, from the route table. */
import { problemSchema } from './errors.js';
import { type JsonSchema, SchemaCollection } from './json-schema.js';
import { type Route, type RouteName, routeNames, routes } from './routes.js';
import { type TusCallDescription, tusCallDescriptions } from './tus.js';

/** Builds the document. `version` is that of the program. */
export function createOpenApi(version: string): JsonSchema {
  const schemas = new SchemaCollection();
  schemas.of(problemSchema);
  const paths: Record<string, Record<string, unknown>> = {};
  for (const name of routeNames) {
    const route: Route = routes[name];
    paths[route.path] ??= {};
    (paths[route.path] as Record<string, unknown>)[route.method.toLowerCase()] = describeOperation(name, route, schemas);
  }
  for (const call of tusCallDescriptions) {
    paths[call.path] ??= {};
    (paths[call.path] as Record<string, unknown>)[call.method.toLowerCase()] = describeTusCall(call);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Weir',
      version,
      description: 'Self-hosted video platform on one message bus.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [...new Set(routeNames.map((name) => routes[name].tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: schemas.schemas,
      securitySchemes: {
        session: { type: 'apiKey', in: 'cookie', name: 'weir_session', description: 'set by `POST /api/v1/session`' },
        token: { type: 'http', scheme: 'bearer', description: 'API token, made by `weir token create`' },
      },
      responses: {
        Problem: { description: 'What went wrong', content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } } },
      },
    },
  };
}

function describeOperation(name: RouteName, route: Route, schemas: SchemaCollection): JsonSchema {
  const operation: JsonSchema = {
    operationId: name,
    tags: [route.tag],
    summary: route.summary,
    'x-weir-role': route.role,
    security: route.role === 'anyone' ? [{}] : [{ session: [] }, { token: [] }],
    responses: { [String(route.status ?? 200)]: describeAnswer(route, schemas), default: { $ref: '#/components/responses/Problem' } },
  };
  const parameters = [...describeParameters('path', route.params, schemas), ...describeParameters('query', route.query, schemas)];
  if (parameters.length > 0) operation.parameters = parameters;
  if (route.body !== undefined) {
    operation.requestBody = {
      required: !route.body.safeParse(undefined).success,
      content: { 'application/json': { schema: schemas.of(route.body) } },
    };
  }
  return operation;
}

function describeTusCall(call: TusCallDescription): JsonSchema {
  const protocol = { name: 'Tus-Resumable', in: 'header', required: true, schema: { const: '1.0.0' } };
  const parameters = [
    ...(call.path.includes('{upload_id}') ? [{ name: 'upload_id', in: 'path', required: true, schema: { type: 'string' } }] : []),
    ...(call.method === 'OPTIONS' ? [] : [protocol]),
    ...call.headers.map((header) => ({ ...header, in: 'header', schema: { type: 'string' } })),
  ];
  return {
    operationId: call.operation,
    tags: ['uploads'],
    summary: call.summary,
    'x-weir-role': call.role,
    security: call.role === 'anyone' ? [{}] : [{ session: [] }, { token: [] }],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(call.hasBody ? { requestBody: { required: call.method === 'PATCH', content: { 'application/offset+octet-stream': {} } } } : {}),
    responses: { [String(call.status)]: { description: 'Done' }, default: { $ref: '#/components/responses/Problem' } },
  };
}

function describeAnswer(route: Route, schemas: SchemaCollection): JsonSchema {
  if (route.answer !== undefined) return { description: 'OK', content: { 'application/json': { schema: schemas.of(route.answer) } } };
  if (route.produces !== undefined) return { description: 'OK', content: { [route.produces.split(';')[0] ?? route.produces]: {} } };
  return { description: 'Done' };
}

function describeParameters(place: 'path' | 'query', schema: Route['params'], schemas: SchemaCollection): JsonSchema[] {
  if (schema === undefined) return [];
  const json = schemas.of(schema, 'input') as { properties?: Record<string, JsonSchema>; required?: string[] };
  return Object.entries(json.properties ?? {}).map(([name, property]) => {
    const { description, ...rest } = property;
    return {
      name,
      in: place,
      required: place === 'path' || (json.required ?? []).includes(name),
      schema: rest,
      ...(description === undefined ? {} : { description }),
    };
  });
}
