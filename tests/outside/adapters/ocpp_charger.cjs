// A charging station of npm `ocpp-rpc` in strict mode: both sides are held to the JSON Schemas of the standard.
// It does what stdin says, a JSON object a line, and says what it saw on stdout.
//   {"connect": {"endpoint", "identity", "password", "protocols", "ca"}}   {"call": ["Heartbeat", {}]}   {"close": true}
//   {"replies": {"Reset": {"status": "Accepted"}}}: what it answers from now on; {"error": "NotSupported"} refuses
"use strict";
const fs = require("node:fs");
const { RPCClient, createRPCError } = require("ocpp-rpc");

const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");
const told = (error) => ({ failed: { code: error.rpcErrorCode ?? error.code ?? null, message: String(error.message) } });
let client;
let replies = {};

async function connect({ endpoint, identity, password, protocols, ca }) {
  const wsOpts = ca ? { ca: fs.readFileSync(ca) } : {};
  client = new RPCClient({ endpoint, identity, password, protocols, wsOpts, strictMode: true, reconnect: false });
  client.on("strictValidationFailure", ({ error, method, outbound }) =>
    say({ violated: { method, outbound, message: String(error.message) } }),
  );
  client.on("badMessage", ({ error }) => say({ violated: { message: String(error.message) } }));
  client.handle(({ method, params }) => {
    say({ asked: [method, params] });
    const reply = replies[method];
    if (reply === undefined || reply.error) throw createRPCError(reply?.error ?? "NotImplemented", "not here");
    return reply;
  });
  await client.connect();
  return { connected: client.protocol };
}

async function obey({ connect: to, call, replies: given, close }) {
  if (given) replies = given;
  if (to) return connect(to);
  if (call) return { answer: await client.call(...call) };
  if (close) await client.close();
  return {};
}

let last = Promise.resolve();
require("node:readline")
  .createInterface({ input: process.stdin })
  .on("line", (line) => {
    last = last
      .then(() => obey(JSON.parse(line)))
      .catch(told)
      .then((what) => say({ ...what, done: true }));
  })
  .on("close", () => process.exit(0));
say({ ready: true });
