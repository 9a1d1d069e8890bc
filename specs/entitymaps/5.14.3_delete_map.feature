@clause:5.14.3
Feature: Delete EntityMap
  A map that is no longer needed.

  Background:
    Given the entity
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House"}
      """
    And a client maps entities with "type=House"
    And the map is kept

  Scenario: The map goes, its entities stay
    When a client deletes the kept map
    Then the answer is 204
    And the answer has no body
    When a client retrieves the kept map
    Then the answer is 404
    And it is refused as ResourceNotFound
    And the entity "urn:ngsi-ld:House:1" holds
      """
      {"type": "House"}
      """

  Scenario: An unknown map is refused
    When a client sends DELETE to "/entityMaps/urn:ngsi-ld:EntityMap:none"
    Then the answer is 404
    And it is refused as ResourceNotFound
