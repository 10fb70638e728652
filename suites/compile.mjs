// Compiles the contracts of every suite: suites/<suite>/contracts/src/**/*.sol -> suites/<suite>/contracts/out/<Contract>.json
//
//   node suites/compile.mjs           write the artifacts
//   node suites/compile.mjs --check   compile in memory, compare with the files on disk, write nothing
//
// One artifact per contract or library of ours that has code of its own: abstract contracts, interfaces and imports have none.
// The bytecode carries no metadata, and source names are relative to the suite, so every machine writes the same bytes.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import solc from "solc";

const SUITES = dirname(fileURLToPath(import.meta.url));
const PACKAGES = join(dirname(SUITES), "node_modules");

const SETTINGS = {
  evmVersion: "cancun",
  optimizer: { enabled: true, runs: 200 },
  metadata: { bytecodeHash: "none", appendCBOR: false },
};

/** What an artifact is made of. Asked of our own sources alone: imports would only cost time. */
const OUTPUTS = [
  "abi",
  "evm.bytecode.object",
  "evm.bytecode.linkReferences",
  "evm.deployedBytecode.object",
  "evm.deployedBytecode.linkReferences",
  "evm.deployedBytecode.immutableReferences",
];

/** A reason to stop, already worded for the reader. */
class Refusal extends Error {}

/** The suites that have contracts, by name. A folder of artifacts without sources is refused: nobody could check it. */
function findSuites() {
  const names = readdirSync(SUITES, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
  const suites = names.filter((name) => existsSync(join(SUITES, name, "contracts", "src")));
  for (const name of names) {
    if (!suites.includes(name) && existsSync(join(SUITES, name, "contracts", "out"))) {
      throw new Refusal(`suites/${name}/contracts/out: artifacts without sources; add contracts/src or delete the folder.`);
    }
  }
  if (suites.length === 0) throw new Refusal("suites: no contracts found in suites/*/contracts/src.");
  return suites;
}

/** Standard JSON sources of one suite, named as a Hardhat project would name them: contracts/src/Name.sol. */
function readSources(suite) {
  const root = join(SUITES, suite);
  const files = readdirSync(join(root, "contracts", "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".sol"))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
  return Object.fromEntries(
    files.map((file) => [relative(root, file).split(sep).join("/"), { content: readFileSync(file, "utf8") }]),
  );
}

/** Everything the suite does not hold itself has to come from OpenZeppelin. */
function findImport(path) {
  const file = join(PACKAGES, path);
  if (!path.startsWith("@openzeppelin/") || !existsSync(file)) return { error: "not in node_modules; run `npm install`" };
  return { contents: readFileSync(file, "utf8") };
}

/** The suite's artifacts as file name -> text. */
function compile(suite) {
  const sources = readSources(suite);
  const outputSelection = {
    "*": { "": ["ast"] },
    ...Object.fromEntries(Object.keys(sources).map((name) => [name, { "": ["ast"], "*": OUTPUTS }])),
  };
  const input = { language: "Solidity", sources, settings: { ...SETTINGS, outputSelection } };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: findImport }));
  if (output.errors?.length) {
    const messages = output.errors.map((error) => error.formattedMessage.trimEnd());
    throw new Refusal(`suites/${suite} does not compile:\n${messages.join("\n\n")}`);
  }

  const immutables = findImmutables(output.sources);
  const artifacts = new Map();
  for (const sourceName of Object.keys(sources)) {
    for (const [contractName, contract] of Object.entries(output.contracts[sourceName] ?? {})) {
      if (contract.evm.bytecode.object === "") continue;
      const file = `${contractName}.json`;
      if (artifacts.has(file)) throw new Refusal(`suites/${suite}: two contracts are named ${contractName}; rename one.`);
      artifacts.set(file, toArtifact(contractName, sourceName, contract, immutables));
    }
  }
  if (artifacts.size === 0) throw new Refusal(`suites/${suite}/contracts/src: no contract with code in it.`);
  return artifacts;
}

/** Names of immutables by their number in the syntax trees. */
function findImmutables(sources) {
  const names = new Map();
  const walk = (node) => {
    if (node === null || typeof node !== "object") return;
    if (node.nodeType === "VariableDeclaration" && node.mutability === "immutable") names.set(`${node.id}`, node.name);
    Object.values(node).forEach(walk);
  };
  Object.values(sources).forEach(({ ast }) => walk(ast));
  return names;
}

/** Hardhat's artifact, plus where immutables sit: without that the code on a chain cannot be compared with it. */
function toArtifact(contractName, sourceName, { abi, evm }, immutables) {
  const numbers = Object.keys(evm.deployedBytecode.immutableReferences ?? {});
  const artifact = {
    _format: "hh-sol-artifact-1",
    contractName,
    sourceName,
    abi,
    bytecode: `0x${evm.bytecode.object}`,
    deployedBytecode: `0x${evm.deployedBytecode.object}`,
    linkReferences: evm.bytecode.linkReferences,
    deployedLinkReferences: evm.deployedBytecode.linkReferences,
    immutableReferences: evm.deployedBytecode.immutableReferences,
    ...(numbers.length > 0 && { immutableNames: Object.fromEntries(numbers.map((number) => [number, immutables.get(number)])) }),
  };
  return `${JSON.stringify(artifact, null, 2)}\n`;
}

/** The artifacts on disk as file name -> text. */
function readArtifacts(folder) {
  if (!existsSync(folder)) return new Map();
  const files = readdirSync(folder).sort();
  return new Map(files.map((file) => [file, readFileSync(join(folder, file), "utf8")]));
}

/** What tells the folder from the artifacts, one line each. */
function compare(artifacts, written) {
  const names = [...new Set([...artifacts.keys(), ...written.keys()])].sort();
  return names.flatMap((name) => {
    if (!written.has(name)) return [`missing: ${name}`];
    if (!artifacts.has(name)) return [`extra: ${name}`];
    return artifacts.get(name) === written.get(name) ? [] : [`different: ${name}`];
  });
}

/** Make the folder hold these artifacts and nothing else. */
function write(folder, artifacts, written) {
  mkdirSync(folder, { recursive: true });
  for (const name of written.keys()) {
    if (!artifacts.has(name)) rmSync(join(folder, name));
  }
  for (const [name, text] of artifacts) writeFileSync(join(folder, name), text);
}

function main(args) {
  if (args.some((argument) => argument !== "--check")) throw new Refusal("usage: node suites/compile.mjs [--check]");
  const isCheck = args.includes("--check");

  let differences = 0;
  for (const suite of findSuites()) {
    const folder = join(SUITES, suite, "contracts", "out");
    const artifacts = compile(suite);
    const written = readArtifacts(folder);
    const found = isCheck ? compare(artifacts, written) : [];
    if (!isCheck) write(folder, artifacts, written);
    console.log(`${suite}: ${artifacts.size} contracts compiled${isCheck ? `, ${found.length} differences` : ""}`);
    for (const line of found) console.error(`  suites/${suite}/contracts/out: ${line}`);
    differences += found.length;
  }
  if (differences > 0) {
    throw new Refusal("The artifacts do not match the sources; run `npm run contracts` and commit the result.");
  }
}

try {
  main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
