// A provider of OpenID Connect as an organisation has one: `oidc-provider`, with a form that asks who somebody is.
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import Provider from "oidc-provider";
import { server } from "./browser.mjs";

export const issuer = process.env.YICE_PROVIDER;
if (!issuer) throw new Error("YICE_PROVIDER must name where the server looks for a provider: PROVIDER=yes scripts/with-server …");

const form = (uid) => `<!doctype html><title>Provider</title><link rel="icon" href="data:,">
<form method="post" action="/interaction/${uid}"><input name="subject" id="subject" autofocus>
<button name="act" value="login" id="login">Sign in</button><button name="act" value="abort" id="abort">No</button></form>`;

/** Starts the provider, with keys of its own; gives what stops it. */
export async function startProvider() {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "yice",
        client_secret: process.env.YICE_PROVIDER_SECRET,
        redirect_uris: [`${server}/api/v1/session/oidc/callback`],
        response_types: ["code"],
        grant_types: ["authorization_code"],
      },
    ],
    jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), use: "sig", alg: "RS256" }] },
    cookies: { keys: ["of the tests only"] },
    pkce: { required: () => true },
    claims: { openid: ["sub"], profile: ["preferred_username", "name"] },
    conformIdTokenClaims: false,
    features: { devInteractions: { enabled: false } },
    interactions: { url: (context, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (context, id) => ({ accountId: id, claims: () => ({ sub: id, preferred_username: `${id}.name`, name: id }) }),
    // What the registry may know was agreed on when it was registered.
    loadExistingGrant: async (context) => {
      const grant = new context.oidc.provider.Grant({ clientId: context.oidc.client.clientId, accountId: context.oidc.session.accountId });
      grant.addOIDCScope("openid profile");
      await grant.save();
      return grant;
    },
  });
  const answer = provider.callback();
  const listener = createServer(async (request, response) => {
    const uid = /^\/interaction\/([\w-]+)$/.exec(request.url)?.[1];
    if (uid === undefined) return answer(request, response);
    if (request.method !== "POST") return response.setHeader("content-type", "text/html").end(form(uid));
    const parts = [];
    for await (const part of request) parts.push(part);
    const fields = new URLSearchParams(Buffer.concat(parts).toString());
    const result =
      fields.get("act") === "abort" ? { error: "access_denied", error_description: "the person said no" } : { login: { accountId: fields.get("subject") } };
    return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  });
  listener.listen(Number(new URL(issuer).port), "127.0.0.1");
  await once(listener, "listening");
  return async () => {
    listener.closeAllConnections();
    listener.close();
    await once(listener, "close");
  };
}
