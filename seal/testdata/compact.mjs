// Computes the known answers of the compact format with the cryptography of Node.js, which shares no code with package seal.
// It was run by hand, and its output is compact.json:
//
//	node compact.mjs > compact.json
//
// Every salt here is fixed, so that the output is the same in every run. Package seal takes random ones.

import { createCipheriv, hkdfSync } from "node:crypto";

const utf8 = new TextEncoder();

function seal({ password, purpose, salt, plaintext }) {
  // hkdfSync is extract and expand. An empty salt stands for 32 zero octets (RFC 5869, section 2.2).
  const info = Buffer.concat([Buffer.from("authkit/seal/compact/v1"), salt]);
  const key = Buffer.from(hkdfSync("sha256", Buffer.from(password), Buffer.alloc(0), info, 32));
  const length = Buffer.alloc(8);
  length.writeBigUInt64BE(BigInt(utf8.encode(purpose).length));
  const cipher = createCipheriv("aes-256-gcm", key, Buffer.alloc(12), { authTagLength: 16 });
  cipher.setAAD(Buffer.concat([length, Buffer.from(purpose)]));
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return "c1." + Buffer.concat([salt, ciphertext, cipher.getAuthTag()]).toString("base64url");
}

const octets = (n, from) => Buffer.from(Array.from({ length: n }, (_, i) => (i + from) % 256));
const password = "0123456789abcdef0123456789abcdef";
const cases = [
  { name: "one octet", password, purpose: "session", salt: octets(16, 0), plaintext: Buffer.from([0]) },
  { name: "a text", password, purpose: "session/__Host-authkit-session", salt: octets(16, 16), plaintext: Buffer.from("kim@example.com") },
  { name: "two blocks of the cipher", password, purpose: "step", salt: octets(16, 32), plaintext: octets(32, 0) },
  { name: "a part of a block", password, purpose: "step", salt: octets(16, 48), plaintext: octets(33, 0) },
  { name: "a long text", password, purpose: "session", salt: Buffer.alloc(16, 255), plaintext: octets(3000, 7) },
  { name: "a purpose and a password in other scripts", password: "山田山田山田山田山田山田", purpose: "сессия", salt: Buffer.alloc(16), plaintext: Buffer.from("Zoë Ωμέγα") },
  { name: "a password longer than a block of SHA-256", password: "correct-horse-".repeat(6), purpose: "sign-in", salt: octets(16, 200), plaintext: Buffer.from("x") },
];
console.log(JSON.stringify(cases.map((c) => ({
  name: c.name, password: c.password, purpose: c.purpose, plaintext: c.plaintext.toString("base64url"), text: seal(c),
})), null, 1));
