// A building of npm `node-opcua-server`: its variables are given and changed on stdin, a JSON object a line.
//   {"set": {"power": 12.5}}   {"bad": "power"}   what is written to it goes to stdout as {"told": [name, value]}
"use strict";
const { OPCUAServer } = require("node-opcua-server");
const { Variant, DataType } = require("node-opcua-variant");
const { StatusCodes } = require("node-opcua-status-code");
const { OPCUACertificateManager } = require("node-opcua-certificate-manager");

const [port, folder] = process.argv.slice(2);
const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");
const values = { power: 10.5, setpoint: 22.0, lit: true, visitors: 7, name: "hall" };
const types = { power: "Double", setpoint: "Float", lit: "Boolean", visitors: "Int32", name: "String" };

(async () => {
  const serverCertificateManager = new OPCUACertificateManager({ rootFolder: folder, automaticallyAcceptUnknownCertificate: true });
  await serverCertificateManager.initialize();
  const server = new OPCUAServer({ port: Number(port), host: "127.0.0.1", serverCertificateManager, userManager: {
    isValidUser: (user, password) => user === "bems" && password === "s3cret" } });
  await server.initialize();
  const space = server.engine.addressSpace;
  const namespace = space.getOwnNamespace();
  const building = namespace.addObject({ organizedBy: space.rootFolder.objects, browseName: "Building" });
  const variables = {};
  for (const [name, type] of Object.entries(types)) {
    const variable = namespace.addVariable({ componentOf: building, browseName: name, nodeId: `s=${name}`, dataType: type });
    variable.setValueFromSource(new Variant({ dataType: DataType[type], value: values[name] }));
    variable.on("value_changed", (data) => say({ told: [name, data.value.value] }));
    variables[name] = variable;
  }
  variables.name.accessLevel = 1;
  variables.name.userAccessLevel = 1;
  await server.start();
  say({ ready: true, namespace: namespace.index });
  require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
    const asked = JSON.parse(line);
    for (const [name, value] of Object.entries(asked.set || {})) {
      variables[name].setValueFromSource(new Variant({ dataType: DataType[types[name]], value }));
    }
    if (asked.bad) variables[asked.bad].setValueFromSource(new Variant({ dataType: DataType.Null }), StatusCodes.BadSensorFailure);
    say({ done: true });
  });
})().catch((error) => { say({ failed: String(error.stack) }); process.exit(1); });
