// A controller of npm `@bacnet-js/client`: its objects are given and changed on stdin, a JSON object a line.
//   {"set": {"0,1": {"85": 21.5}}}      type,instance -> property -> value    {"deaf": true}    {"single": true}
// What is asked and written goes to stdout: {"asked": ["0,1", [85, 111]]} {"told": ["2,3", 85, 22, 8]}
"use strict";
const { default: Client, ApplicationTag, ErrorClass, ErrorCode, ConfirmedServiceChoice } = require("@bacnet-js/client");

const [port, host] = process.argv.slice(2);
const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");
const client = new Client({ port: Number(port), interface: host, broadcastAddress: host, apduTimeout: 2000 });
const objects = {};
let deaf = false;
let single = false;

const FLAGS = 111, UNITS = 117, VALUE = 85;
function told(type, property, value) {
  if (property === FLAGS) return { type: ApplicationTag.BIT_STRING, value: { value: [value], bitsUsed: 4 } };
  if (property === UNITS) return { type: ApplicationTag.ENUMERATED, value };
  if (property === VALUE && [3, 4, 5].includes(type)) return { type: ApplicationTag.ENUMERATED, value };
  if (property === VALUE && [13, 14, 19].includes(type)) return { type: ApplicationTag.UNSIGNED_INTEGER, value };
  return { type: ApplicationTag.REAL, value };
}
const key = (id) => `${id.type},${id.instance}`;

client.on("listening", () => say({ ready: true }));
client.on("error", (error) => say({ failed: String(error) }));
client.on("whoIs", ({ header }) => { if (!deaf) client.iAmResponse(header.sender, 4711, 3, 999); });
client.on("readProperty", ({ header, invokeId, payload }) => {
  if (deaf) return;
  const { objectId, property } = payload;
  say({ asked: [key(objectId), [property.id]] });
  const value = (objects[key(objectId)] || {})[property.id];
  if (value === undefined) {
    client.errorResponse(header.sender, ConfirmedServiceChoice.READ_PROPERTY, invokeId, ErrorClass.PROPERTY, ErrorCode.UNKNOWN_PROPERTY);
  } else {
    client.readPropertyResponse(header.sender, invokeId, objectId, property, [told(objectId.type, property.id, value)]);
  }
});
client.on("readPropertyMultiple", ({ header, invokeId, payload }) => {
  if (deaf) return;
  if (single) {
    client.errorResponse(header.sender, ConfirmedServiceChoice.READ_PROPERTY_MULTIPLE, invokeId, ErrorClass.SERVICES, ErrorCode.SERVICE_REQUEST_DENIED);
    return;
  }
  const values = payload.properties.map(({ objectId, properties }) => {
    say({ asked: [key(objectId), properties.map(({ id }) => id)] });
    return {
      objectId,
      values: properties.map(({ id, index }) => {
        const value = (objects[key(objectId)] || {})[id];
        const found = value === undefined
          ? [{ value: { type: "BacnetError", errorClass: ErrorClass.PROPERTY, errorCode: ErrorCode.UNKNOWN_PROPERTY } }]
          : [told(objectId.type, id, value)];
        return { property: { id, index }, value: found };
      }),
    };
  });
  client.readPropertyMultipleResponse(header.sender, invokeId, values);
});
client.on("writeProperty", ({ header, invokeId, payload }) => {
  if (deaf) return;
  const { objectId, value } = payload;
  const given = value.value && value.value[0] ? value.value[0].value : null;
  say({ told: [key(objectId), value.property.id, given, value.priority] });
  const object = objects[key(objectId)];
  if (!object || object.stuck) {
    client.errorResponse(header.sender, ConfirmedServiceChoice.WRITE_PROPERTY, invokeId, ErrorClass.PROPERTY, ErrorCode.WRITE_ACCESS_DENIED);
    return;
  }
  object[value.property.id] = given;
  client.simpleAckResponse(header.sender, ConfirmedServiceChoice.WRITE_PROPERTY, invokeId);
});
require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const asked = JSON.parse(line);
  for (const [name, properties] of Object.entries(asked.set || {})) objects[name] = { ...objects[name], ...properties };
  if (asked.deaf !== undefined) deaf = asked.deaf;
  if (asked.single !== undefined) single = asked.single;
  say({ done: true });
});
