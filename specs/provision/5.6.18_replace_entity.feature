@clause:5.6.18
Feature: Replace Entity
  The entity is what was sent, and nothing of before.

  Background:
    Given the entity
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"type": "Property", "value": 20.5, "unitCode": "CEL"},
       "owner": {"type": "Relationship", "object": "urn:ngsi-ld:Person:1"}}
      """

  Scenario: Nothing of before stays
    When a client replaces the entity "urn:ngsi-ld:House:1"
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "pressure": {"type": "Property", "value": 1013}}
      """
    Then the answer is 204
    And the entity "urn:ngsi-ld:House:1" is exactly
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "pressure": {"type": "Property", "value": 1013}}
      """
    And the entity "urn:ngsi-ld:House:1" has no "temperature"

  Scenario: An unknown entity is refused
    When a client replaces the entity "urn:ngsi-ld:House:2"
      """
      {"id": "urn:ngsi-ld:House:2", "type": "House"}
      """
    Then the answer is 404
    And it is refused as ResourceNotFound
    And there is no entity "urn:ngsi-ld:House:2"
