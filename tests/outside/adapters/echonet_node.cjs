// A house on npm's echonet-lite: objects and their properties come as JSON in the first argument, what happens to them
// as JSON lines: {"set": ["027d01", "e4", [50]]}, {"inf": [...]}, {"infc": [...]}, {"quiet": true}, {"deaf": "027901"}, {"send": "1081…"}.
'use strict';
const EL = require('echonet-lite');

function property_map(codes) {
  if (codes.length < 16) return [codes.length, ...codes];
  const bits = new Array(16).fill(0);
  for (const code of codes) bits[code & 15] |= 1 << ((code >> 4) - 8);
  return [codes.length, ...bits];
}

const house = JSON.parse(process.argv[2]);
const objects = {}, settable = {};
for (const [name, about] of Object.entries(house)) {
  objects[name] = { ...about.properties };
  settable[name] = about.settable || [];
  const codes = Object.keys(about.properties).map((code) => parseInt(code, 16));
  objects[name]['9d'] = property_map((about.announced || []).map((code) => parseInt(code, 16)));
  objects[name]['9e'] = property_map(settable[name].map((code) => parseInt(code, 16)));
  objects[name]['9f'] = property_map([...codes, 0x9d, 0x9e, 0x9f].sort((one, other) => one - other));
}
let quiet = false, deaf = '';
const say = (what) => process.stdout.write(JSON.stringify(what) + '\n');

// What a meter's log holds: 48 counters of the day that was asked for, as given by {"days": {"0": [...]}}.
const days = {};
const log_of = (object, epc, day) => (days[object] && days[object][epc] && days[object][epc][day]) || null;

// {"stubborn": [object, code]}: says that it takes a value, and does not; {"refusing": …}: says that it does not.
let stubborn = null, refusing = null;
const meant = (which, object, epc) => which !== null && which[0] === object && which[1] === epc;

function taken(object, epc, edt) {
  if (!settable[object].includes(epc) || meant(refusing, object, epc)) return false;
  if (meant(stubborn, object, epc)) return true;
  const bytes = EL.toHexArray(edt);
  objects[object][epc] = bytes;
  if (epc === 'e5') for (const log of ['e2', 'e4']) {
    const rows = log_of(object, log, bytes[0]);
    if (rows) objects[object][log] = [0, bytes[0], ...rows.flatMap((n) => [n >>> 24 & 255, n >>> 16 & 255, n >>> 8 & 255, n & 255])];
  }
  return true;
}

function heard(rinfo, els, fault) {
  if (fault) { say({ fault: String(fault) }); return; }
  if (quiet) return;
  if (els.ESV === EL.INFC_RES) { say({ acknowledged: [els.SEOJ, els.DEOJ, els.TID, els.DETAILs] }); return; }
  if (els.ESV === EL.GET_RES && els.SEOJ.startsWith('0ef0')) { say({ met: [rinfo.address, els.SEOJ, els.DETAILs] }); return; }
  if (!objects[els.DEOJ] || els.DEOJ === deaf) return;
  if (els.ESV === EL.GET) { EL.replyGetDetail(rinfo, els, objects); return; }
  if (els.ESV === EL.SETC || els.ESV === EL.SETI) {
    const fine = Object.entries(els.DETAILs).every(([epc, edt]) => taken(els.DEOJ, epc, edt));
    say({ told: [els.DEOJ, els.ESV, els.DETAILs, fine] });
    if (fine) EL.replySetDetail(rinfo, els, objects);
    else if (els.ESV === EL.SETC) for (const [epc, edt] of Object.entries(els.DETAILs)) {
      EL.replyOPC1(rinfo.address, EL.toHexArray(els.TID), els.DEOJ, els.SEOJ, EL.SETC_SNA, parseInt(epc, 16), EL.toHexArray(edt));
    }
  }
}

EL.initialize(Object.keys(objects), heard, 4, { ignoreMe: true, autoGetProperties: false }).then(() => {
  require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const said = JSON.parse(line);
    if (said.set) objects[said.set[0]][said.set[1]] = said.set[2];
    if (said.days) Object.assign(days, said.days);
    if (said.inf) EL.sendOPC1(EL.EL_Multi, said.inf[0], '05ff01', EL.INF, parseInt(said.inf[1], 16), said.inf[2]);
    if (said.infc) EL.sendOPC1(said.infc[3], said.infc[0], '05ff01', EL.INFC, parseInt(said.infc[1], 16), said.infc[2]);
    if (said.send) EL.sendString(said.send[0], said.send[1]);
    if (said.search) EL.search();
    if ('stubborn' in said) stubborn = said.stubborn;
    if ('refusing' in said) refusing = said.refusing;
    if (said.deaf) deaf = said.deaf;
    if ('quiet' in said) quiet = said.quiet;
    say({ done: true });
  }).on('close', () => process.exit(0));
  EL.sock4.on('listening', () => say({ ready: true }));
});
