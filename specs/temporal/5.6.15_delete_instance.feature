@clause:5.6.15
Feature: Delete Attribute instance from Temporal Evolution of an Entity
  One instance is forgotten.

  Background:
    Given the evolution of "urn:ngsi-ld:House:1"
      """
      {"type": "House", "temperature": [{"type": "Property", "value": 20, "observedAt": "2026-01-01T00:00:00Z"},
                                        {"type": "Property", "value": 210, "observedAt": "2026-01-01T01:00:00Z"}]}
      """
    And the instanceId of the "temperature" of "urn:ngsi-ld:House:1" with the value 210 is kept

  Scenario: It is gone, the others stay
    When a client forgets the kept instance of "temperature" of "urn:ngsi-ld:House:1"
    Then the answer is 204
    And the answer has no body
    When a client recalls with "options=temporalValues" "urn:ngsi-ld:House:1"
    Then the answer holds
      """
      {"temperature": {"values": [[20, "2026-01-01T00:00:00Z"]]}}
      """

  Scenario: Once gone it is not there to be forgotten: that is refused
    Given a client forgets the kept instance of "temperature" of "urn:ngsi-ld:House:1"
    When a client forgets the kept instance of "temperature" of "urn:ngsi-ld:House:1"
    Then the answer is 404
    And it is refused as ResourceNotFound

  Scenario: An instance of an unknown history is refused
    When a client forgets the kept instance of "temperature" of "urn:ngsi-ld:House:2"
    Then the answer is 404
    And it is refused as ResourceNotFound
