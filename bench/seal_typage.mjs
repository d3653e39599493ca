// The JavaScript implementation's figures for bench/seal.py: node seal_typage.mjs <folder with node_modules> <rounds>
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [folder, rounds] = [process.argv[2], Number(process.argv[3])];
const entry = createRequire(pathToFileURL(`${folder}/package.json`)).resolve("age-encryption");
const age = await import(pathToFileURL(entry));
const middle = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

async function perSecond(count, work) {
  const found = [];
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    for (let index = 0; index < count; index++) await work();
    found.push((count * 1000) / (performance.now() - start));
  }
  return middle(found);
}

for (const [name, make] of [["hybrid", age.generateHybridIdentity], ["X25519", age.generateX25519Identity]]) {
  const identity = await make();
  const recipient = await age.identityToRecipient(identity);
  const data = new Uint8Array(2048);
  const seal = async () => {
    const encrypter = new age.Encrypter();
    encrypter.addRecipient(recipient);
    return await encrypter.encrypt(data);
  };
  const sealed = await seal();
  const open = async () => {
    const decrypter = new age.Decrypter();
    decrypter.addIdentity(identity);
    return await decrypter.decrypt(sealed);
  };
  const line = [await perSecond(60, seal), await perSecond(60, open)].map((value) => value.toFixed(0).padStart(8));
  console.log(`  typage   seal ${line[0]}   open ${line[1]}   (${name}, in node)`);
}
