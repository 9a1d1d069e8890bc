// A Modbus TCP device of npm `modbus-serial`: what its tables hold is given and changed on stdin, a JSON object a line,
// what it is asked and told goes to stdout.
//   {"set": {"holding": {"0": 7}, "input": {}, "coil": {}, "discrete": {}}}     {"stuck": [30]}   {"deaf": true}
"use strict";
const { ServerTCP } = require("modbus-serial");

const tables = { holding: new Map(), input: new Map(), coil: new Map(), discrete: new Map() };
let stuck = new Set();
let deaf = false;
const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");
const refusal = (code) => Object.assign(new Error("refused"), { modbusErrorCode: code });

async function one(table, address) {
  if (deaf) await new Promise(() => {});
  if (!tables[table].has(address)) throw refusal(2);
  return tables[table].get(address);
}

function many(table, start, count, unit, answer) {
  say({ asked: [table, start, count, unit] });
  const places = Array.from({ length: count }, (_, index) => start + index);
  Promise.all(places.map((place) => one(table, place))).then((values) => answer(null, values), answer);
}

async function put(table, address, value, unit) {
  say({ told: [table, address, value, unit] });
  if (!tables[table].has(address)) throw refusal(2);
  if (!stuck.has(address)) tables[table].set(address, value);
}

const device = new ServerTCP(
  {
    getHoldingRegister: (address, unit) => one("holding", address),
    getInputRegister: (address, unit) => one("input", address),
    getMultipleHoldingRegisters: (start, count, unit, answer) => many("holding", start, count, unit, answer),
    getMultipleInputRegisters: (start, count, unit, answer) => many("input", start, count, unit, answer),
    getCoil: (address, unit) => one("coil", address),
    getDiscreteInput: (address, unit) => one("discrete", address),
    setRegister: (address, value, unit) => put("holding", address, value, unit),
    setCoil: (address, value, unit) => put("coil", address, value, unit),
  },
  { host: "127.0.0.1", port: Number(process.argv[2]), unitID: Number(process.argv[3]) },
);
device.on("initialized", () => say({ ready: true }));
device.on("socketError", () => {});

require("node:readline")
  .createInterface({ input: process.stdin })
  .on("line", (line) => {
    const { set = {}, stuck: held, deaf: silent } = JSON.parse(line);
    for (const [table, values] of Object.entries(set)) {
      for (const [address, value] of Object.entries(values)) tables[table].set(Number(address), value);
    }
    if (held) stuck = new Set(held);
    if (silent !== undefined) deaf = silent;
    say({ done: true });
  })
  .on("close", () => process.exit(0));
