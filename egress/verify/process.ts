/** The verifying process: public keys and rules in, judgements out. It opens no file but the keys, and no socket. */
import { toHex } from '../../shared/core/bytes.js';
import { SluiceError } from '../../shared/core/errors.js';
import { readTrustedKeys } from '../../shared/crypto/keyfiles.js';
import { serveParent } from '../../shared/ops/processes/children.js';
import type { VerifierProtocol } from './messages.js';
import { Verifier } from './verifier.js';

let verifier: Verifier | undefined;
const need = (): Verifier => {
  if (!verifier) throw new SluiceError('INTERNAL', 'The verifying process has not been started.');
  return verifier;
};

serveParent<VerifierProtocol>({
  answer: {
    start: ({ trusted, tenants }) => {
      const keys = readTrustedKeys(trusted);
      verifier = new Verifier(keys, tenants);
      return { trustedKeys: keys.map(({ keyId }) => toHex(keyId)) };
    },
    manifests: ({ bytes }) => need().manifests(bytes),
    heartbeat: (bytes) => need().heartbeat(bytes),
    tenants: (tenants) => {
      need().useTenants(tenants);
      return null;
    },
  },
});
