/** What can be asked of cameras, one operation per route. */
import type { Operation } from '../../contracts/index.js';

/** Every operation of the cameras part, named as its route. All of them throw `WeirError`. */
export interface CameraOperations {
  readonly list_cameras: Operation<'list_cameras'>;
  readonly add_camera: Operation<'add_camera'>;
  readonly get_camera: Operation<'get_camera'>;
  readonly update_camera: Operation<'update_camera'>;
  readonly delete_camera: Operation<'delete_camera'>;
  readonly discover_cameras: Operation<'discover_cameras'>;
  readonly list_external_streams: Operation<'list_external_streams'>;
  readonly scan_external_streams: Operation<'scan_external_streams'>;
  readonly add_external_stream: Operation<'add_external_stream'>;
  readonly remove_external_stream: Operation<'remove_external_stream'>;
  readonly set_scan_interval: Operation<'set_scan_interval'>;
}
