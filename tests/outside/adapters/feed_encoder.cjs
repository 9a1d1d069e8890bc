// Messages of GTFS Realtime as npm gtfs-realtime-bindings writes them: JSON on stdin, the protobuf on stdout.
const { transit_realtime: schema } = require("gtfs-realtime-bindings");

let text = "";
process.stdin.on("data", (chunk) => { text += chunk; });
process.stdin.on("end", () => {
  const message = schema.FeedMessage.fromObject(JSON.parse(text));
  process.stdout.write(schema.FeedMessage.encode(message).finish());
});
