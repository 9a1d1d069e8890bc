@clause:5.16.7
Feature: Purge Snapshots
  All snapshots that a query on them selects go.

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
    And a client takes the snapshot
      """
      {"id": "urn:ngsi-ld:Snapshot:2", "type": "Snapshot", "snapshotPriority": 9, "snapshotQueries": [{"type": "Query", "entities": [{"type": "House"}]}]}
      """
    And the snapshot "urn:ngsi-ld:Snapshot:2" is taken

  Scenario: By their priority
    When a client purges snapshots with "q=snapshotPriority<6"
    Then the answer is 204
    And the answer has no body
    And the snapshot "urn:ngsi-ld:Snapshot:2" is as
      """
      {"snapshotPriority": 9}
      """
    When a client retrieves the snapshot "urn:ngsi-ld:Snapshot:1"
    Then the answer is 404

  Scenario Outline: Without a query, or by what a snapshot has not, it is refused
    When a client purges snapshots with "<query>"
    Then the answer is 400
    And it is refused as BadRequestData

    Examples:
      | query            |
      | q=               |
      | q=temperature>20 |
