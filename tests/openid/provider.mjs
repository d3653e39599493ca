// An OpenID provider on a free port: tokens for whoever is a client, as JWTs for one resource. Prints its issuer.
import { createServer } from "node:http";
import Provider from "oidc-provider";

const audience = "urn:zegel";
const addresses = { zorg: "zorg@voorbeeld.example", vreemd: "vreemd@voorbeeld.example", onbevestigd: "zorg@voorbeeld.example" };
const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: Object.keys(addresses).map((client_id) => ({
      client_id,
      client_secret: "geheimgeheimgeheimgeheimgeheim12",
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
    })),
    features: {
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_, resource) => ({
          scope: "mail",
          audience: resource,
          accessTokenTTL: 3600,
          accessTokenFormat: "jwt",
        }),
        defaultResource: () => audience,
      },
    },
    extraTokenClaims: (_, token) => ({
      email: addresses[token.clientId],
      email_verified: token.clientId !== "onbevestigd",
    }),
  });
  server.on("request", provider.callback());
  console.log(issuer);
});
