// A real provider of OpenID Connect, in which everybody has an account: `node provider.mjs PLACE REDIRECT [CERTIFICATES]`. It says
// where it is: on `localhost`, with TLS, where there are certificates for that.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [place, redirect, certificates] = process.argv.slice(2);
const { Provider } = await import(pathToFileURL(createRequire(`${place}/`).resolve('oidc-provider')));
const read = (name) => readFileSync(`${certificates}/${name}`);
const server = certificates ? createSecureServer({ key: read('server.key'), cert: read('server.pem') }) : createServer();

server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  const issuer = certificates ? `https://localhost:${port}` : `http://127.0.0.1:${port}`;
  const claims = async (id) => ({
    sub: id,
    name: id,
    preferred_username: id,
    groups: id === 'ann' ? ['web', 'admin'] : [],
  });
  const provider = new Provider(issuer, {
    clients: [{
      client_id: 'windlass',
      client_secret: 'what/the provider+gave',
      redirect_uris: [redirect],
      grant_types: ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code'],
    }],
    findAccount: (_, id) => ({ accountId: id, claims: () => claims(id) }),
    claims: { openid: ['sub'], profile: ['name', 'preferred_username', 'groups'] },
    features: { deviceFlow: { enabled: true } },
  });
  server.on('request', provider.callback());
  console.log(issuer);
});
// It ends with whoever began it.
process.stdin.on('end', () => process.exit(0)).resume();
