/** Logs, metrics, health and trace ids. */
export { type ComponentReport, createHealthRegistry, type HealthComponent, type HealthRegistry, type HealthStatus } from './health.js';
export { createLogger, formatLogLine, type LevelledLogger, type Logger, type LoggerOptions, type LogLevel, silentLogger } from './logger.js';
export { maskSecrets, maskUrls } from './mask.js';
export { createMetrics, type MetricLabels, type MetricName, type Metrics, metricTable } from './metrics.js';
export { createTraceContext, formatTraceparent, parseTraceparent, type TraceContext } from './trace.js';
