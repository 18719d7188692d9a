/** Where an encode is pushed to. */

/** A push target: the encode that is shown goes there as well. */
export interface Output {
  readonly kind: 'rtsp' | 'rtmp' | 'srt';
  readonly url: string;
  readonly display: string;
  readonly host: string;
  readonly port: number;
  readonly secrets: readonly string[];
}
