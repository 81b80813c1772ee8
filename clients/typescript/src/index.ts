/** The API's routes, typed by its OpenAPI document; and the two things that the document cannot do: tokens and uploads. */

import createClient, { type Client, type Middleware } from "openapi-fetch";

import type { components, paths } from "./schema.js";

export type { components, paths } from "./schema.js";

export type ErrorEnvelope = components["schemas"]["ErrorEnvelope"];
export type UploadRequest = components["schemas"]["UploadRequest"];

export interface Settings {
  /** The stack's output ApiUrl. */
  apiUrl: string;
  /** The stack's output TokenUrl. */
  tokenUrl: string;
  clientId: string;
  clientSecret: string;
  /** The scopes to ask for; each route needs one of them. Default: face-detection/write. */
  scopes?: string[];
  /** In place of the global fetch. */
  fetch?: typeof fetch;
}

/** The token endpoint, or S3, refused: `status` is its HTTP status. */
export class RefusedError extends Error {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
    this.name = "RefusedError";
  }
}

/** One access token at a time, asked for anew a minute before it expires; callers that come together share one request. */
export class AccessToken {
  #current: Promise<string> | undefined;
  #goodUntil = 0;

  constructor(private readonly settings: Settings) {}

  get(): Promise<string> {
    if (this.#current === undefined || Date.now() >= this.#goodUntil) {
      this.#goodUntil = Infinity;
      this.#current = this.#ask().catch((error: unknown) => {
        this.forget();
        throw error;
      });
    }
    return this.#current;
  }

  /** Ask anew next time: the API refused this token. */
  forget(): void {
    this.#current = undefined;
  }

  async #ask(): Promise<string> {
    const { tokenUrl, clientId, clientSecret, scopes = ["face-detection/write"] } = this.settings;
    const response = await (this.settings.fetch ?? fetch)(tokenUrl, {
      method: "POST",
      headers: {
        Authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString("base64")}`,
        "Content-Type": "application/x-www-form-urlencoded",
      },
      body: new URLSearchParams({ grant_type: "client_credentials", scope: scopes.join(" ") }),
    });
    const answer = (await response.json().catch(() => ({}))) as { access_token?: string; expires_in?: number; error?: string };
    if (!response.ok || !answer.access_token) {
      const reason = answer.error ?? `HTTP ${response.status}`;
      throw new RefusedError(`The token endpoint refused client ${clientId}: ${reason}. Check its id, secret and scopes.`, response.status);
    }
    this.#goodUntil = Date.now() + Math.max(0, (answer.expires_in ?? 0) - 60) * 1000;
    return answer.access_token;
  }
}

/** The API's client: `client.POST("/validation", { body })` answers `{ data, error, response }`, typed for the route. */
export function faceValidationClient(settings: Settings): Client<paths> {
  const token = new AccessToken(settings);
  const authorization: Middleware = {
    async onRequest({ request }) {
      request.headers.set("Authorization", `Bearer ${await token.get()}`);
      return request;
    },
    onResponse({ response }) {
      if (response.status === 401) token.forget();
      return undefined;
    },
  };
  const client = createClient<paths>({
    baseUrl: settings.apiUrl.replace(/\/$/, ""),
    ...(settings.fetch ? { fetch: settings.fetch } : {}),
  });
  client.use(authorization);
  return client;
}

/**
 * Put an image into a bucket, without AWS credentials: asks for a form, then sends it to S3.
 *
 * @returns the image's key, for `source_path`, `target_path` or `image_path`.
 * @throws RefusedError - the API gave no form, or S3 did not take the image.
 */
export async function upload(
  client: Client<paths>,
  image: Uint8Array<ArrayBuffer> | Blob,
  request: UploadRequest,
  send: typeof fetch = fetch,
): Promise<string> {
  const { content_type: contentType } = request as { content_type: string };
  const { data, error, response } = await client.POST("/uploads", { body: request });
  if (!data) throw new RefusedError(`There is no form for the upload: ${describe(error)}`, response.status);
  const form = new FormData();
  for (const [name, value] of Object.entries(data.fields)) form.append(name, String(value));
  // S3 ignores every field that comes after the file.
  form.append("file", image instanceof Blob ? image : new Blob([image], { type: contentType }));
  const stored = await send(data.url, { method: "POST", body: form });
  if (!stored.ok) throw new RefusedError(`S3 did not take the image: HTTP ${stored.status}.`, stored.status);
  return data.key;
}

function describe(error: unknown): string {
  const refusal = error as ErrorEnvelope | undefined;
  return refusal?.error ? `${refusal.error.message} ${refusal.error.details}` : String(error);
}
