/** The door of requests to addresses that others chose. */
export { type GuardedRequestOptions, type GuardedResponse, guardedRequest, isPublicAddress } from './guarded-request.js';
