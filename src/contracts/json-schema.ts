/** JSON Schema 2020-12 of our schemas, for the generated documents. Named schemas are collected once and referred to. */
import { z } from 'zod';

export type JsonSchema = Record<string, unknown>;

/** Collects named schemas while documents are built. */
export class SchemaCollection {
  readonly schemas: Record<string, JsonSchema> = {};
  readonly #prefix: string;

  constructor(prefix = '#/components/schemas/') {
    this.#prefix = prefix;
  }

  /** The schema, or a reference to it where it has a name. `io: 'input'` leaves out what has a default from the required fields. */
  of(schema: z.ZodType, io: 'input' | 'output' = 'output'): JsonSchema {
    const json = z.toJSONSchema(schema, {
      io,
      unrepresentable: 'any',
      // An open object tolerates unknown fields; only strict ones say so.
      override: (context) => {
        const definition = context.zodSchema._zod.def as { type: string; catchall?: unknown };
        if (definition.type === 'object' && definition.catchall === undefined) delete context.jsonSchema.additionalProperties;
      },
    }) as JsonSchema;
    return this.#hoist(json);
  }

  #hoist(json: JsonSchema): JsonSchema {
    const definitions = (json.$defs ?? {}) as Record<string, JsonSchema>;
    const { $defs: _defs, $schema: _schema, ...root } = json;
    for (const [name, definition] of Object.entries(definitions)) this.schemas[name] = this.#rewrite(definition) as JsonSchema;
    const id = root.id;
    const rewritten = this.#rewrite(root) as JsonSchema;
    if (typeof id !== 'string') return rewritten;
    this.schemas[id] = rewritten;
    return { $ref: this.#prefix + id };
  }

  #rewrite(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.#rewrite(item));
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).filter(([key, inner]) => !(key === 'id' && typeof inner === 'string' && inner in globalIds()));
    return Object.fromEntries(
      entries.map(([key, inner]) => [
        key,
        key === '$ref' && typeof inner === 'string' ? inner.replace('#/$defs/', this.#prefix) : this.#rewrite(inner),
      ]),
    );
  }
}

/** Names given by `.meta({ id })`; zod writes them into the schema as `id`, which JSON Schema would read as something else. */
function globalIds(): Record<string, true> {
  const registry = z.globalRegistry as unknown as { _idmap: Map<string, unknown> };
  return Object.fromEntries([...registry._idmap.keys()].map((id) => [id, true]));
}
