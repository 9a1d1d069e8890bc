@clause:5.14.2
Feature: Update EntityMap
  A map is kept longer, or shorter.

  Background:
    Given the entity
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House"}
      """
    And a client maps entities with "type=House"
    And the map is kept

  Scenario: Until another time
    When a client updates the kept map
      """
      {"type": "EntityMap", "expiresAt": "2099-01-01T00:00:00Z"}
      """
    Then the answer is 204
    And the answer has no body

  Scenario: What only the broker says is passed over
    When a client updates the kept map
      """
      {"type": "EntityMap", "entityMap": {"urn:ngsi-ld:House:9": ["@none"]}}
      """
    And a client retrieves the kept map
    Then the answer names "urn:ngsi-ld:House:1"
    And the answer does not name "urn:ngsi-ld:House:9"

  Scenario: An unknown map is refused
    When a client sends PATCH to "/entityMaps/urn:ngsi-ld:EntityMap:none"
      """
      {"type": "EntityMap", "expiresAt": "2099-01-01T00:00:00Z"}
      """
    Then the answer is 404
    And it is refused as ResourceNotFound
