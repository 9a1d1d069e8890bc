@clause:5.6.16
Feature: Delete Temporal Evolution of an Entity
  A whole history is forgotten.

  Background:
    Given the evolution of "urn:ngsi-ld:House:1"
      """
      {"type": "House", "temperature": {"type": "Property", "value": 20, "observedAt": "2026-01-01T00:00:00Z"}}
      """

  Scenario: Nothing of it is left
    When a client forgets "urn:ngsi-ld:House:1"
    Then the answer is 204
    And the answer has no body
    When a client recalls "urn:ngsi-ld:House:1"
    Then the answer is 404
    And it is refused as ResourceNotFound

  Scenario: An unknown history is refused, and the others stay
    When a client forgets "urn:ngsi-ld:House:2"
    Then the answer is 404
    And it is refused as ResourceNotFound
    When a client recalls "urn:ngsi-ld:House:1"
    Then the answer is 200
