declare module 'virtual:weir-routes' {
  /** Method and path of each route, read from the contracts at build time. */
  export const routeTable: Readonly<Record<import('../contracts/routes.js').RouteName, readonly [method: string, path: string]>>;
}
declare module '*.css' {}
declare module 'hls.js/light' {
  export { default } from 'hls.js';
}
