@clause:5.16.4
Feature: Update Snapshot status
  A snapshot is kept longer, or matters more.

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

  Scenario: Its priority
    When a client updates the snapshot "urn:ngsi-ld:Snapshot:1"
      """
      {"snapshotPriority": 9}
      """
    Then the answer is 200
    And the snapshot "urn:ngsi-ld:Snapshot:1" is as
      """
      {"snapshotPriority": 9, "snapshotStatus": "success"}
      """
    And the answer does not name "temperature"

  Scenario: What it was made of is not to be changed: that is refused
    When a client updates the snapshot "urn:ngsi-ld:Snapshot:1"
      """
      {"snapshotQueries": [{"type": "Query", "entities": [{"type": "Room"}]}]}
      """
    Then the answer is 400
    And it is refused as BadRequestData

  Scenario: An unknown snapshot is refused
    When a client updates the snapshot "urn:ngsi-ld:Snapshot:9"
      """
      {"snapshotPriority": 9}
      """
    Then the answer is 404
    And it is refused as ResourceNotFound
