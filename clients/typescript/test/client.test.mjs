/** The built client against a running service; STACK names the file that `face-validation local --info` wrote, PHOTO a photo. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { AccessToken, RefusedError, faceValidationClient, upload } from "../dist/index.js";

const stack = JSON.parse(readFileSync(process.env.STACK));
const photo = readFileSync(process.env.PHOTO);
const settings = {
  apiUrl: stack.api_url,
  tokenUrl: stack.token_url,
  clientId: stack.client_id,
  clientSecret: stack.client_secret,
};

test("two uploads are compared", async () => {
  const client = faceValidationClient(settings);
  const source_path = await upload(client, photo, { bucket: "source", content_type: "image/jpeg" });
  const target_path = await upload(client, photo, { bucket: "target", content_type: "image/jpeg" });

  const { data } = await client.POST("/validation", { body: { source_path, target_path, type: "FACE_TO_FACE" } });

  assert.equal(data.matched, true);
  assert.ok(data.similarity > 99);
});

test("a refusal is an answer with the contract's envelope", async () => {
  const client = faceValidationClient(settings);

  const { error, response } = await client.POST("/validation", {
    body: { source_path: "gone.jpg", target_path: "gone.jpg", type: "FACE_TO_FACE" },
  });

  assert.equal(response.status, 422);
  assert.equal(error.error.code, "InvalidS3ObjectError");
});

test("a wrong secret is refused by name, and the next call asks again", async () => {
  const token = new AccessToken({ ...settings, clientSecret: "wrong" });

  await assert.rejects(token.get(), (error) => error instanceof RefusedError && /invalid_client/.test(error.message));
  await assert.rejects(token.get(), RefusedError);
});

test("a token is shared until a minute before it expires, and asked for anew once it was refused", async () => {
  let asked = 0;
  const answering = async () => Response.json({ access_token: `token ${++asked}`, expires_in: asked === 3 ? 60 : 3600 });
  const token = new AccessToken({ ...settings, fetch: answering });

  assert.deepEqual(await Promise.all([token.get(), token.get()]), ["token 1", "token 1"]);
  token.forget();
  assert.equal(await token.get(), "token 2");
  token.forget();
  assert.equal(await token.get(), "token 3");
  assert.equal(await token.get(), "token 4");
});

test("what S3 refuses is an error with its status", async () => {
  const client = faceValidationClient(settings);

  await assert.rejects(
    upload(client, new Uint8Array(0), { bucket: "source", content_type: "image/jpeg" }),
    (error) => error instanceof RefusedError && error.status === 400,
  );
});
