/** What the hub can be asked for, one operation per route of `contracts/routes.ts`; HTTP and every other door only translate. */
import type { MediaFile, MediaFlow, Operation } from '../../contracts/index.js';

export type { CallContext, MediaFile, MediaFlow, Operation } from '../../contracts/index.js';

/** One server-sent event. `data` is one JSON text without line breaks. */
export interface FeedEvent {
  /** Present on events that can be replayed; send it back as `Last-Event-ID`. */
  readonly id?: string;
  readonly event: string;
  readonly data: string;
}

/** Server-sent events of one client; bounded, so a client that does not read costs a fixed amount. */
export interface EventFeed {
  readonly events: AsyncIterable<FeedEvent>;
}

/** Every operation of the streams part, named as its route. All of them throw `WeirError`. */
export interface StreamsOperations {
  readonly list_streams: Operation<'list_streams'>;
  readonly create_stream: Operation<'create_stream'>;
  readonly probe_source: Operation<'probe_source'>;
  readonly preview_command: Operation<'preview_command'>;
  readonly get_stream: Operation<'get_stream'>;
  readonly update_stream: Operation<'update_stream'>;
  readonly delete_stream: Operation<'delete_stream'>;
  readonly start_stream: Operation<'start_stream'>;
  readonly stop_stream: Operation<'stop_stream'>;
  readonly restart_stream: Operation<'restart_stream'>;
  readonly stream_status: Operation<'stream_status'>;
  readonly stream_command_preview: Operation<'stream_command_preview'>;
  readonly stream_history: Operation<'stream_history'>;
  readonly stream_still: Operation<'stream_still', MediaFile>;
  readonly stream_live_mp4: Operation<'stream_live_mp4', MediaFlow>;
  readonly stream_hls: Operation<'stream_hls', MediaFile>;
  readonly stream_hls_part: Operation<'stream_hls_part', MediaFile>;
  readonly events: Operation<'events', EventFeed>;
  readonly list_spokes: Operation<'list_spokes'>;
  readonly drain_spoke: Operation<'drain_spoke'>;
  readonly list_alerts: Operation<'list_alerts'>;
  readonly acknowledge_alert: Operation<'acknowledge_alert'>;
}
