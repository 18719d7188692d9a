/** An upload as others see it. */
import type { Upload } from '../../contracts/index.js';
import type { UploadRecord } from '../../store/index.js';
import type { LiveUploads } from './live.js';
import { tusUrl } from './tus-url.js';

export function toUpload(record: UploadRecord, live: LiveUploads, publicUrl: string | undefined): Upload {
  const { upload_id, video_id, method, name, size_bytes, sha256, owner, error, created_at, updated_at, expires_at } = record;
  const isOpen = record.state === 'receiving' || record.state === 'paused';
  return {
    upload_id,
    video_id,
    method,
    state: isOpen ? (live.isMoving(upload_id) ? 'receiving' : 'paused') : record.state,
    name,
    size_bytes,
    received_bytes: isOpen ? (live.receivedOf(upload_id) ?? record.received_bytes) : record.received_bytes,
    bytes_per_s: isOpen ? live.rateOf(upload_id) : null,
    sha256,
    owner,
    error,
    created_at,
    updated_at,
    expires_at,
    url: isOpen && method === 'tus' ? tusUrl(upload_id, publicUrl) : null,
  };
}
