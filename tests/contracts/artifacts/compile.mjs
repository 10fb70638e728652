// Compiles src/*.sol into the three shapes of artifact that are read: out/hardhat, out/foundry and out/plain;
// src/States.sol, which takes OpenZeppelin's contracts, into out/states alone, and src/Wallet.sol into out/wallets.
//
//   node tests/contracts/artifacts/compile.mjs           write them
//   node tests/contracts/artifacts/compile.mjs --check   compare with the files on disk, write nothing

import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import solc from "solc";

const HERE = dirname(fileURLToPath(import.meta.url));
const APART = new Map([["src/States.sol", "states"], ["src/Wallet.sol", "wallets"]]);
const OUTPUTS = ["abi", "evm.bytecode", "evm.deployedBytecode"];

const names = readdirSync(join(HERE, "src")).sort();
const sources = Object.fromEntries(
  names.map((name) => [`src/${name}`, { content: readFileSync(join(HERE, "src", name), "utf8") }]),
);
const settings = {
  evmVersion: "cancun",
  optimizer: { enabled: true, runs: 200 },
  metadata: { bytecodeHash: "none", appendCBOR: false },
  outputSelection: { "*": { "": ["ast"] }, ...Object.fromEntries(Object.keys(sources).map((name) => [name, { "": ["ast"], "*": OUTPUTS }])) },
};
const findImport = (path) => ({ contents: readFileSync(join(HERE, "../../../node_modules", path), "utf8") });
const output = JSON.parse(
  solc.compile(JSON.stringify({ language: "Solidity", sources, settings }), { import: findImport }),
);
const errors = (output.errors ?? []).filter((error) => error.severity === "error");
if (errors.length > 0) throw new Error(errors.map((error) => error.formattedMessage).join("\n"));

/** Names of immutables by their number in the syntax trees. */
const immutables = new Map();
const walk = (node) => {
  if (node === null || typeof node !== "object") return;
  if (node.nodeType === "VariableDeclaration" && node.mutability === "immutable") immutables.set(`${node.id}`, node.name);
  Object.values(node).forEach(walk);
};
Object.values(output.sources).forEach(({ ast }) => walk(ast));

const files = new Map();
for (const [sourceName, contracts] of Object.entries(output.contracts)) {
  for (const [contractName, { abi, evm }] of Object.entries(contracts)) {
    const { bytecode, deployedBytecode } = evm;
    const code = (part) => `0x${part.object}`;
    const references = deployedBytecode.immutableReferences ?? {};
    const numbers = Object.keys(references);
    const where = numbers.length === 0 ? {} : { immutableReferences: references };
    const named = numbers.length === 0 ? {} : { immutableNames: Object.fromEntries(numbers.map((n) => [n, immutables.get(n)])) };
    const folder = APART.get(sourceName) ?? "hardhat";
    files.set(`${folder}/${contractName}.json`, {
      _format: "hh-sol-artifact-1",
      contractName,
      sourceName,
      abi,
      bytecode: code(bytecode),
      deployedBytecode: code(deployedBytecode),
      linkReferences: bytecode.linkReferences,
      deployedLinkReferences: deployedBytecode.linkReferences,
      ...where,
      ...named,
    });
    if (folder !== "hardhat") continue;
    const foundry = (part) => ({ object: code(part), sourceMap: "", linkReferences: part.linkReferences });
    files.set(`foundry/${sourceName.slice(4)}/${contractName}.json`, {
      abi,
      bytecode: foundry(bytecode),
      deployedBytecode: { ...foundry(deployedBytecode), ...where },
    });
    files.set(`plain/${contractName}.json`, { abi, bytecode: code(bytecode) });
  }
}

let differences = 0;
for (const [name, content] of files) {
  const path = join(HERE, "out", name);
  const text = `${JSON.stringify(content)}\n`;
  if (!process.argv.includes("--check")) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  } else if (!existsSync(path) || readFileSync(path, "utf8") !== text) {
    console.error(`different: ${name}`);
    differences += 1;
  }
}
console.log(`${files.size} artifacts, ${differences} differences`);
process.exitCode = differences > 0 ? 1 : 0;
