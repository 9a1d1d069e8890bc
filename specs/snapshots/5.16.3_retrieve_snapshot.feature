@clause:5.16.3
Feature: Retrieve Snapshot status
  How far a snapshot is, and until when it is kept.

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

  Scenario: Its status
    When a client retrieves the snapshot "urn:ngsi-ld:Snapshot:1"
    Then the answer is 200
    And the answer holds
      """
      {"id": "urn:ngsi-ld:Snapshot:1", "type": "Snapshot", "snapshotStatus": "success"}
      """
    And the answer names "expiresAt"
    And the answer does not name "temperature"

  Scenario: An unknown snapshot is refused
    When a client retrieves the snapshot "urn:ngsi-ld:Snapshot:9"
    Then the answer is 404
    And it is refused as ResourceNotFound
