@clause:5.14.1
Feature: Retrieve EntityMap
  A map that was made, until it expires.

  Background:
    Given the entities
      """
      [{"id": "urn:ngsi-ld:House:1", "type": "House"}, {"id": "urn:ngsi-ld:House:2", "type": "House"}]
      """
    And a client maps entities with "type=House"
    And the map is kept

  Scenario: It stays as it was made
    Given the entity
      """
      {"id": "urn:ngsi-ld:House:3", "type": "House"}
      """
    When a client retrieves the kept map
    Then the answer is 200
    And the answer holds
      """
      {"type": "EntityMap", "entityMap": {"urn:ngsi-ld:House:1": ["@none"], "urn:ngsi-ld:House:2": ["@none"]}}
      """
    And the answer names "expiresAt"
    And the answer does not name "urn:ngsi-ld:House:3"

  Scenario: An unknown map is refused
    When a client asks for "/entityMaps/urn:ngsi-ld:EntityMap:none"
    Then the answer is 404
    And it is refused as ResourceNotFound
