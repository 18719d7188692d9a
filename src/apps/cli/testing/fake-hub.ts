/** A hub that answers the routes it is told to, as the contracts say: what comes in and goes out is checked against them. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Route, type RouteAnswer, type RouteInput, type RouteName, routeNames, routes, WeirError } from '../../../contracts/index.js';

/** A file instead of JSON. */
export interface FakeFile {
  readonly filename: string;
  readonly content: string;
}

/** What the test says each route answers; a WeirError that is thrown is sent as its problem. */
export type FakeAnswers = { readonly [N in RouteName]?: (input: RouteInput<N>) => RouteAnswer<N> | FakeFile };

export interface FakeHub {
  readonly url: string;
  /** Routes in the order they were called, with what they were given. */
  readonly calls: { readonly name: RouteName; readonly input: Record<string, unknown>; readonly token: string | undefined }[];
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts it on a free port of this machine. A route without an answer is `not_found`. */
export async function startFakeHub(answers: FakeAnswers): Promise<FakeHub> {
  const calls: FakeHub['calls'] = [];
  const server = createServer((request, response) => {
    serve(request, response, answers, calls).catch((error: unknown) => sendProblem(response, WeirError.from(error)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function serve(request: IncomingMessage, response: ServerResponse, answers: FakeAnswers, calls: FakeHub['calls']): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://hub');
  const found = findRoute(request.method ?? 'GET', url.pathname);
  if (found === undefined) throw new WeirError('not_found', `There is no ${request.method} ${url.pathname}`);
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  const { name, route, params } = found;
  const input = {
    params: route.params?.parse(params),
    query: route.query?.parse(Object.fromEntries(url.searchParams)),
    body: route.body?.parse(text === '' ? undefined : JSON.parse(text)),
  };
  calls.push({ name, input, token: request.headers.authorization?.replace('Bearer ', '') });
  const answer = (answers[name] as ((input: unknown) => unknown) | undefined)?.(input);
  if (answer === undefined && route.answer !== undefined) throw new WeirError('not_found', `The test has no answer for ${name}`);
  if (route.produces !== undefined) sendFile(response, answer as FakeFile);
  else if (route.answer === undefined) response.writeHead(204).end();
  else response.writeHead(route.status ?? 200, { 'content-type': 'application/json' }).end(JSON.stringify(route.answer.parse(answer)));
}

function findRoute(method: string, path: string): { name: RouteName; route: Route; params: Record<string, string> } | undefined {
  for (const name of routeNames) {
    const route: Route = routes[name];
    if (route.method !== method) continue;
    const keys = [...route.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '');
    const match = new RegExp(`^${route.path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '([^/]+)')}$`).exec(path);
    if (match !== null) return { name, route, params: Object.fromEntries(keys.map((key, at) => [key, decodeURIComponent(match[at + 1] ?? '')])) };
  }
  return undefined;
}

function sendFile(response: ServerResponse, { filename, content }: FakeFile): void {
  response.writeHead(200, {
    'content-type': 'application/octet-stream',
    'content-length': Buffer.byteLength(content),
    'content-disposition': `attachment; filename="${filename}"`,
  });
  response.end(content);
}

function sendProblem(response: ServerResponse, error: WeirError): void {
  const problem = error.toProblem();
  response.writeHead(problem.status, { 'content-type': 'application/problem+json' }).end(JSON.stringify({ ...problem, detail: error.message }));
}
