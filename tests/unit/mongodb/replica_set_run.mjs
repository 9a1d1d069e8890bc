// Runs examples/city/replica-set.js against a MongoDB made of a few lines, and prints what it was told, as JSON.
//   node replica_set_run.mjs SCRIPT fresh|initiated|rooted|made|locked
import { readFileSync } from "node:fs";
import vm from "node:vm";

const [script, state] = process.argv.slice(2);
const told = [];
const users = new Map({
  rooted: [["root", "r00t"]],
  made: [["root", "r00t"], ["misono", "old"]],
  locked: [["root", "another"], ["misono", "old"]],
}[state]);
let initiated = state !== "fresh";
let asked = 0;

class Fault extends Error {
  constructor(codeName) {
    super(codeName);
    this.codeName = codeName;
  }
}

function allowed(how) {
  if (!how.as && users.size > 0) throw new Fault("Unauthorized");
}

class Mongo {
  constructor(url) {
    this.url = url;
    this.as = "";
  }

  getDB() {
    const how = this;
    const tell = (...words) => told.push([new URL(how.url).host, ...words]);
    return {
      auth(name, password) {
        if (users.get(name) !== password) throw new Fault("AuthenticationFailed");
        how.as = name;
        return { ok: 1 };
      },
      hello: () => ({ isWritablePrimary: initiated && (asked += 1) > 2, primary: "mongo2:27017" }),
      runCommand(command) {
        allowed(how);
        if (initiated) throw new Fault("AlreadyInitialized");
        initiated = true;
        tell("initiate", command.replSetInitiate.members.map((one) => one.host));
        return { ok: 1 };
      },
      getUser: (name) => (users.has(name) ? { user: name } : null),
      createUser({ user, pwd, roles }) {
        allowed(how);
        users.set(user, pwd);
        tell("create", user, pwd, roles);
      },
      updateUser(user, { pwd, roles }) {
        allowed(how);
        users.set(user, pwd);
        tell("update", user, pwd, roles);
      },
    };
  }
}

const env = { MONGO_ROOT_PASSWORD: "r00t", MONGO_PASSWORD: "pa55", MONGO_OPTIONS: "" };
const context = { process: { env }, Mongo, print: () => {}, sleep: () => {} };
try {
  vm.runInNewContext(readFileSync(script, "utf8"), context);
} catch (fault) {
  told.push(["fault", fault.message]);
}
console.log(JSON.stringify(told));
