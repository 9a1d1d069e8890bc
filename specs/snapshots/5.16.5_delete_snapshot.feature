@clause:5.16.5
Feature: Delete Snapshot
  A snapshot goes, with all that it holds.

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

  Scenario: Nothing of it is left, and what it was taken of stays
    When a client deletes the snapshot "urn:ngsi-ld:Snapshot:1"
    Then the answer is 204
    And the answer has no body
    When the header NGSILD-Snapshot is "urn:ngsi-ld:Snapshot:1"
    And a client queries entities with "type=House"
    Then the answer is 404
    And it is refused as ResourceNotFound
    And the entity "urn:ngsi-ld:House:1" holds
      """
      {"temperature": {"value": 20}}
      """

  Scenario: An unknown snapshot is refused
    When a client deletes the snapshot "urn:ngsi-ld:Snapshot:9"
    Then the answer is 404
    And it is refused as ResourceNotFound
