/** HLS and DASH from segments on disk: measured, written, validated, checked by decoding. */
export { checkDecode, type DecodeCheckOptions } from './decode-check.js';
export { noPictures, type OutputPictures, openPackager, type PackageRequest, type Packager, packageOutput, withPictures } from './package.js';
export { plainRuns, type RunMedia, type RunMediaOptions } from './run-media.js';
export { type Delivery, type ValidateOptions, validateOutput } from './validate.js';
