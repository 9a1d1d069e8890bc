@clause:5.6.12
Feature: Add Attributes to Temporal Evolution of an Entity
  Instances are added to a history that is there.

  Background:
    Given the evolution of "urn:ngsi-ld:House:1"
      """
      {"type": "House", "temperature": {"type": "Property", "value": 20, "observedAt": "2026-01-01T00:00:00Z"}}
      """

  Scenario: Instances of an attribute it has, and of one it has not
    When a client records attributes of "urn:ngsi-ld:House:1"
      """
      {"temperature": {"type": "Property", "value": 21, "observedAt": "2026-01-01T01:00:00Z"},
       "name": [{"type": "Property", "value": "old", "observedAt": "2026-01-01T00:00:00Z"},
                {"type": "Property", "value": "new", "observedAt": "2026-01-01T02:00:00Z"}]}
      """
    Then the answer is 204
    And the answer has no body
    When a client recalls with "options=temporalValues" "urn:ngsi-ld:House:1"
    Then the answer holds
      """
      {"temperature": {"values": [[20, "2026-01-01T00:00:00Z"], [21, "2026-01-01T01:00:00Z"]]},
       "name": {"values": [["old", "2026-01-01T00:00:00Z"], ["new", "2026-01-01T02:00:00Z"]]}}
      """

  Scenario: Every instance has an id of its own
    When a client recalls "urn:ngsi-ld:House:1"
    Then the answer names "instanceId"
    And the answer does not name "urn:ngsi-ld:null"

  Scenario: An unknown history is refused
    When a client records attributes of "urn:ngsi-ld:House:2"
      """
      {"temperature": {"type": "Property", "value": 21, "observedAt": "2026-01-01T01:00:00Z"}}
      """
    Then the answer is 404
    And it is refused as ResourceNotFound
