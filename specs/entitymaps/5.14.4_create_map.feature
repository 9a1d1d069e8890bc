@clause:5.14.4
Feature: Create EntityMap
  The ids that a query gives, kept so that it can be paged without moving.

  Background:
    Given the entities
      """
      [{"id": "urn:ngsi-ld:House:1", "type": "House"}, {"id": "urn:ngsi-ld:House:2", "type": "House"}, {"id": "urn:ngsi-ld:Room:1", "type": "Room"}]
      """

  Scenario: A map lists what matches
    When a client maps entities with "type=House"
    Then the answer is 201
    And the answer holds
      """
      {"type": "EntityMap", "entityMap": {"urn:ngsi-ld:House:1": ["@none"], "urn:ngsi-ld:House:2": ["@none"]}}
      """
    And the answer does not name "urn:ngsi-ld:Room:1"

  Scenario: By body
    When a client maps entities by body
      """
      {"type": "Query", "entities": [{"type": "Room"}]}
      """
    Then the answer is 201
    And the answer holds
      """
      {"entityMap": {"urn:ngsi-ld:Room:1": ["@none"]}}
      """
    And the answer does not name "urn:ngsi-ld:House:1"

  Scenario: A map of everything is refused
    When a client asks for "/entityMaps"
    Then the answer is 400
    And it is refused as BadRequestData
