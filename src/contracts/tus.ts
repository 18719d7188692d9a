/** The door for resumable uploads, as documents tell of it: protocol tus 1.0.0, whose methods, statuses and headers are no JSON routes. */

/** Where an upload begins; each one goes on at this address, `/` and its id. */
export const tusPath = '/api/v1/uploads/tus';

export interface TusCallDescription {
  readonly method: 'OPTIONS' | 'POST' | 'HEAD' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly role: 'anyone' | 'operator';
  readonly operation: string;
  readonly summary: string;
  readonly status: number;
  /** Sent by the client besides `Tus-Resumable: 1.0.0`. */
  readonly headers: readonly { readonly name: string; readonly required: boolean; readonly description: string }[];
  readonly hasBody: boolean;
}

const upload = `${tusPath}/{upload_id}`;
const checksum = { name: 'Upload-Checksum', required: false, description: '`sha256 BASE64` of the bytes of this request; others as OPTIONS tells' };

/** Every request that the door answers. */
export const tusCallDescriptions: readonly TusCallDescription[] = [
  {
    method: 'OPTIONS',
    path: tusPath,
    role: 'anyone',
    operation: 'describe_tus',
    summary: 'What the tus 1.0.0 door can do: extensions, checksums, largest size',
    status: 204,
    headers: [],
    hasBody: false,
  },
  {
    method: 'POST',
    path: tusPath,
    role: 'operator',
    operation: 'begin_tus',
    summary: 'Begin a resumable upload (tus 1.0.0); `Location` says where it goes on',
    status: 201,
    headers: [
      { name: 'Upload-Length', required: false, description: 'size of the file in bytes; or `Upload-Defer-Length: 1`, when it is not known yet' },
      {
        name: 'Upload-Metadata',
        required: false,
        description: 'pairs of a key and a base64 value: `filename`, `filetype`, and `draft`, a VideoDraft as JSON',
      },
      checksum,
    ],
    hasBody: true,
  },
  {
    method: 'HEAD',
    path: upload,
    role: 'operator',
    operation: 'look_tus',
    summary: 'How much of it is here: `Upload-Offset`',
    status: 200,
    headers: [],
    hasBody: false,
  },
  {
    method: 'PATCH',
    path: upload,
    role: 'operator',
    operation: 'continue_tus',
    summary: 'Send bytes from `Upload-Offset` on, as `application/offset+octet-stream`',
    status: 204,
    headers: [{ name: 'Upload-Offset', required: true, description: 'as HEAD, or the answer before, told it' }, checksum],
    hasBody: true,
  },
  {
    method: 'DELETE',
    path: upload,
    role: 'operator',
    operation: 'cancel_tus',
    summary: 'Cancel the upload and delete what came of it',
    status: 204,
    headers: [],
    hasBody: false,
  },
];
