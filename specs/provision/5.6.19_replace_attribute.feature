@clause:5.6.19
Feature: Replace Attribute
  One attribute is what was sent, and nothing of before.

  Background:
    Given the entity
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"type": "Property", "value": 20.5, "unitCode": "CEL"},
       "owner": {"type": "Relationship", "object": "urn:ngsi-ld:Person:1"}}
      """

  Scenario: The unit of before does not stay
    When a client replaces the attribute "temperature" of "urn:ngsi-ld:House:1"
      """
      {"type": "Property", "value": 21}
      """
    Then the answer is 204
    And the answer has no body
    And the entity "urn:ngsi-ld:House:1" is exactly
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"type": "Property", "value": 21},
       "owner": {"type": "Relationship", "object": "urn:ngsi-ld:Person:1"}}
      """

  Scenario: An attribute that is not there is refused
    When a client replaces the attribute "pressure" of "urn:ngsi-ld:House:1"
      """
      {"type": "Property", "value": 21}
      """
    Then the answer is 404
    And it is refused as ResourceNotFound
    And the entity "urn:ngsi-ld:House:1" has no "pressure"

  Scenario: A fragment that is no attribute is refused
    When a client replaces the attribute "temperature" of "urn:ngsi-ld:House:1"
      """
      {"type": "Property"}
      """
    Then the answer is 400
    And it is refused as BadRequestData
