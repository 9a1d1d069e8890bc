// A device agent of others' making (iotagent-node-lib, NGSI-LD mode) with one door: asked for its lazy attributes, given
// its commands. Says on standard output, a JSON object a line, what became of it: {"ready": …}, {"asked": …}, {"commanded": …}.
'use strict';

const agent = require('iotagent-node-lib');

const say = (what) => process.stdout.write(JSON.stringify(what) + '\n');
const { PORT, HUB, TENANT, CONTEXT } = process.env;
const lazy = [{ object_id: 't', name: 'temperature', type: 'Number' }];
const commands = [{ object_id: 'o', name: 'open', type: 'command' }];

const config = {
    logLevel: 'ERROR',
    contextBroker: { url: HUB, ngsiVersion: 'ld', jsonLdContext: CONTEXT },
    server: { port: Number(PORT), host: '127.0.0.1', ldSupport: { null: true, datasetId: true, merge: true } },
    deviceRegistry: { type: 'memory' },
    types: { Door: { type: 'Door', lazy, commands, active: [] } },
    service: TENANT,
    subservice: '/',
    providerUrl: `http://127.0.0.1:${PORT}`,
    deviceRegistrationDuration: 'P1M'
};

const door = {
    id: 'door1',
    name: 'urn:ngsi-ld:Door:1',
    type: 'Door',
    service: TENANT,
    subservice: '/',
    lazy,
    commands,
    active: []
};

function query(id, type, service, subservice, attributes, callback) {
    say({ asked: id, service, attributes });
    const found = { id, type };
    if (attributes.includes('temperature')) {
        found.temperature = { type: 'Property', value: 21.5 };
    }
    callback(null, found);
}

function command(id, type, service, subservice, given, callback) {
    say({ commanded: id, service, given: given.map(({ name, value }) => ({ name, value })) });
    callback(null, { id, type });
    given.forEach((one) =>
        agent.setCommandResult(id, type, '', one.name, 'done', 'OK', door, (error) =>
            say({ told: one.name, error: error ? String(error.message || error) : null })
        )
    );
}

function must(error) {
    if (error) {
        say({ failed: String(error.message || error.name || error) });
        process.exit(1);
    }
}

agent.activate(config, (error) => {
    must(error);
    agent.setDataQueryHandler(query);
    agent.setCommandHandler(command);
    agent.setDataUpdateHandler((id, type, service, subservice, given, callback) => callback(null, { id, type }));
    agent.setMergePatchHandler((id, type, service, subservice, given, callback) =>
        command(id, type, service, subservice, given, callback)
    );
    agent.register(door, (refused, device) => {
        must(refused);
        say({ ready: device.registrationId });
    });
});
