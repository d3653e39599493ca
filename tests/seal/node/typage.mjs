// One request of the tests per run: JSON on standard input (base64 for bytes), the result in base64 on standard output.
import { armor, Decrypter, Encrypter, generateHybridIdentity, generateX25519Identity, identityToRecipient } from "age-encryption";

let text = "";
for await (const piece of process.stdin) text += piece;
const asked = JSON.parse(text);
const bytes = (value) => new Uint8Array(Buffer.from(value, "base64"));
let result;
if (asked.do === "seal") {
  const encrypter = new Encrypter();
  if (asked.passphrase) {
    encrypter.setScryptWorkFactor(asked.workFactor);
    encrypter.setPassphrase(asked.passphrase);
  }
  for (const recipient of asked.recipients ?? []) encrypter.addRecipient(recipient);
  result = await encrypter.encrypt(bytes(asked.data));
  if (asked.armored) result = Buffer.from(armor.encode(result));
} else if (asked.do === "open") {
  const decrypter = new Decrypter();
  if (asked.passphrase) decrypter.addPassphrase(asked.passphrase);
  for (const identity of asked.identities ?? []) decrypter.addIdentity(identity);
  const sealed = asked.armored ? armor.decode(Buffer.from(bytes(asked.data)).toString()) : bytes(asked.data);
  result = await decrypter.decrypt(sealed);
} else if (asked.do === "keygen") {
  result = Buffer.from(await (asked.hybrid ? generateHybridIdentity() : generateX25519Identity()));
} else {
  result = Buffer.from(await identityToRecipient(asked.identity));
}
process.stdout.write(Buffer.from(result).toString("base64"));
