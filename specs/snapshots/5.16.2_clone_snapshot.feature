@clause:5.16.2
Feature: Clone Snapshot
  A copy of a snapshot, to be kept on its own.

  Background:
    Given the entities
      """
      [{"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"type": "Property", "value": 20}}, {"id": "urn:ngsi-ld:Room:1", "type": "Room"}]
      """
    And a client takes the snapshot
      """
      {"id": "urn:ngsi-ld:Snapshot:1", "type": "Snapshot", "snapshotQueries": [{"type": "Query", "entities": [{"type": "House"}]}]}
      """
    And the snapshot "urn:ngsi-ld:Snapshot:1" is taken

  Scenario: The copy holds what the snapshot does
    When a client clones the snapshot "urn:ngsi-ld:Snapshot:1"
      """
      {"id": "urn:ngsi-ld:Snapshot:2", "type": "Snapshot"}
      """
    Then the answer is 201
    And the snapshot "urn:ngsi-ld:Snapshot:2" is taken
    When a client deletes the snapshot "urn:ngsi-ld:Snapshot:1"
    And the header NGSILD-Snapshot is "urn:ngsi-ld:Snapshot:2"
    And a client queries entities with "type=House,Room"
    Then the answer lists "urn:ngsi-ld:House:1" and no other entity

  Scenario: An unknown snapshot is refused
    When a client clones the snapshot "urn:ngsi-ld:Snapshot:9"
      """
      {"id": "urn:ngsi-ld:Snapshot:2", "type": "Snapshot"}
      """
    Then the answer is 404
    And it is refused as ResourceNotFound
