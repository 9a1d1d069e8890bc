// Makes mongo1, mongo2 and mongo3 one replica set with the users root and misono; run again it only sets misono's password.
// For mongosh --nodb inside mongo1's network: the first user can be made from localhost alone.
const { MONGO_ROOT_PASSWORD, MONGO_PASSWORD, MONGO_OPTIONS = "" } = process.env;
const ROLES = [{ role: "readWrite", db: "misono" }];
const MEMBERS = ["mongo1:27017", "mongo2:27017", "mongo3:27017"];

const admin = new Mongo(`mongodb://localhost:27017/?directConnection=true${MONGO_OPTIONS}`).getDB("admin");

function known() {
  try {
    return Boolean(admin.auth("root", MONGO_ROOT_PASSWORD));
  } catch (fault) {
    return false;
  }
}

function until(what, holds) {
  for (let tries = 0; tries < 120; tries += 1) {
    if (holds()) return;
    sleep(500);
  }
  throw new Error(`waited a minute in vain for ${what}`);
}

if (known()) {
  print("the set is there");
  const primary = admin.hello().primary;
  // Users are written on the primary, whichever member that is now.
  const there = new Mongo(`mongodb://${primary}/?directConnection=true${MONGO_OPTIONS}`).getDB("admin");
  there.auth("root", MONGO_ROOT_PASSWORD);
  if (there.getUser("misono")) there.updateUser("misono", { pwd: MONGO_PASSWORD, roles: ROLES });
  else there.createUser({ user: "misono", pwd: MONGO_PASSWORD, roles: ROLES });
} else {
  // mongo1 is preferred, so that the first primary is the member whose localhost this is.
  const members = MEMBERS.map((host, number) => ({ _id: number, host, priority: number === 0 ? 2 : 1 }));
  try {
    admin.runCommand({ replSetInitiate: { _id: "misono", members } });
  } catch (fault) {
    if (fault.codeName !== "AlreadyInitialized") throw fault; // Unauthorized: root has another password than we know
  }
  until("mongo1 to be primary", () => admin.hello().isWritablePrimary);
  admin.createUser({ user: "root", pwd: MONGO_ROOT_PASSWORD, roles: ["root"] });
  admin.auth("root", MONGO_ROOT_PASSWORD);
  admin.createUser({ user: "misono", pwd: MONGO_PASSWORD, roles: ROLES });
  print("the set is made");
}
