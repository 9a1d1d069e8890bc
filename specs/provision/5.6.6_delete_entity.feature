@clause:5.6.6
Feature: Delete Entity
  An entity goes with all it has.

  Background:
    Given the entity
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"type": "Property", "value": 20.5, "unitCode": "CEL"},
       "owner": {"type": "Relationship", "object": "urn:ngsi-ld:Person:1"}}
      """

  Scenario: A deleted entity is gone
    When a client deletes the entity "urn:ngsi-ld:House:1"
    Then the answer is 204
    And the answer has no body
    And there is no entity "urn:ngsi-ld:House:1"

  Scenario: It goes once
    When a client deletes the entity "urn:ngsi-ld:House:1"
    And a client deletes the entity "urn:ngsi-ld:House:1"
    Then the answer is 404
    And it is refused as ResourceNotFound

  Scenario: An entity of another type is not meant
    When a client sends DELETE to "/entities/urn:ngsi-ld:House:1?type=Room"
    Then the answer is 404
    And it is refused as ResourceNotFound
    And the entity "urn:ngsi-ld:House:1" holds
      """
      {"type": "House"}
      """

  Scenario: What is no URI is refused
    When a client deletes the entity "house"
    Then the answer is 400
    And it is refused as BadRequestData
