/** HLS and DASH from segments on disk: measured, written, validated, checked by decoding. */
export { checkDecode, type DecodeCheckOptions } from './decode-check.js';
export { openPackager, type Packager, packageOutput, withPictures } from './package.js';
export { noPictures, type OutputPictures, type PackageRequest } from './package-request.js';
export type { Delivery } from './rules/facts.js';
export { plainRuns, type RunMedia, type RunMediaOptions } from './run-media.js';
export { type ValidateOptions, validateOutput } from './validate.js';
