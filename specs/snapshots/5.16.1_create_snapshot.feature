@clause:5.16.1
Feature: Create Snapshot
  What queries give now, kept as it is.

  Background:
    Given the entities
      """
      [{"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"type": "Property", "value": 20}}, {"id": "urn:ngsi-ld:Room:1", "type": "Room"}]
      """

  Scenario: It is made in the background, and stays as it was
    When a client takes the snapshot
      """
      {"id": "urn:ngsi-ld:Snapshot:1", "type": "Snapshot", "snapshotQueries": [{"type": "Query", "entities": [{"type": "House"}]}]}
      """
    Then the answer is 201
    And the answer has no body
    And the snapshot "urn:ngsi-ld:Snapshot:1" is taken
    And the snapshot "urn:ngsi-ld:Snapshot:1" is as
      """
      {"type": "Snapshot", "snapshotStatus": "success", "snapshotPriority": 5}
      """
    When a client updates attributes of the entity "urn:ngsi-ld:House:1"
      """
      {"temperature": {"type": "Property", "value": 30}}
      """
    And the header NGSILD-Snapshot is "urn:ngsi-ld:Snapshot:1"
    And a client queries entities with "type=House,Room"
    Then the answer lists "urn:ngsi-ld:House:1" and no other entity
    And the answer holds
      """
      [{"temperature": {"value": 20}}]
      """

  Scenario: Of nothing it is empty
    When a client takes the snapshot
      """
      {"id": "urn:ngsi-ld:Snapshot:1", "type": "Snapshot", "snapshotQueries": [{"type": "Query", "entities": [{"type": "Castle"}]}]}
      """
    Then the snapshot "urn:ngsi-ld:Snapshot:1" is taken
    And the snapshot "urn:ngsi-ld:Snapshot:1" is as
      """
      {"snapshotStatus": "empty"}
      """
    And the answer has no body

  Scenario: An id that is taken is refused
    Given a client takes the snapshot
      """
      {"id": "urn:ngsi-ld:Snapshot:1", "type": "Snapshot", "snapshotQueries": [{"type": "Query", "entities": [{"type": "House"}]}]}
      """
    When a client takes the snapshot
      """
      {"id": "urn:ngsi-ld:Snapshot:1", "type": "Snapshot", "snapshotQueries": [{"type": "Query", "entities": [{"type": "House"}]}]}
      """
    Then the answer is 409
    And it is refused as AlreadyExists

  Scenario: One of no queries is refused
    When a client takes the snapshot
      """
      {"id": "urn:ngsi-ld:Snapshot:1", "type": "Snapshot"}
      """
    Then the answer is 400
    And it is refused as BadRequestData
