// The page's modules name each other by their addresses; here these are files.

import { register } from "node:module";

const folder = new URL("../../../../face_validation/local/web/page/", import.meta.url).href;

register(`data:text/javascript,${encodeURIComponent(`
  export const resolve = (name, context, next) =>
    next(name.startsWith("/page/") ? name.replace("/page/", ${JSON.stringify(folder)}) : name, context);
  export const load = (url, context, next) =>
    next(url, url.startsWith(${JSON.stringify(folder)}) ? { ...context, format: "module" } : context);
`)}`);
