/** The log that a spoke writes to; pino fits. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

const ignore = () => undefined;

/** Writes nothing. */
export const noLog: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
