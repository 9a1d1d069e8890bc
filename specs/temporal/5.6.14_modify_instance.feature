@clause:5.6.14
Feature: Modify Attribute instance in Temporal Evolution of an Entity
  One instance is corrected; it keeps its id.

  Background:
    Given the evolution of "urn:ngsi-ld:House:1"
      """
      {"type": "House", "temperature": [{"type": "Property", "value": 20, "observedAt": "2026-01-01T00:00:00Z"},
                                        {"type": "Property", "value": 210, "observedAt": "2026-01-01T01:00:00Z"}]}
      """
    And the instanceId of the "temperature" of "urn:ngsi-ld:House:1" with the value 210 is kept

  Scenario: The value is corrected, its neighbours are not
    When a client corrects the kept instance of "temperature" of "urn:ngsi-ld:House:1"
      """
      {"temperature": {"type": "Property", "value": 21, "observedAt": "2026-01-01T01:00:00Z"}}
      """
    Then the answer is 204
    And the answer has no body
    When a client recalls with "options=temporalValues" "urn:ngsi-ld:House:1"
    Then the answer holds
      """
      {"temperature": {"values": [[20, "2026-01-01T00:00:00Z"], [21, "2026-01-01T01:00:00Z"]]}}
      """
    When a client forgets the kept instance of "temperature" of "urn:ngsi-ld:House:1"
    Then the answer is 204

  Scenario Outline: An instance that is not there is refused
    When a client sends PATCH to "/temporal/entities/<entity>/attrs/<name>/urn:ngsi-ld:Instance:none"
      """
      {"<name>": {"type": "Property", "value": 21, "observedAt": "2026-01-01T01:00:00Z"}}
      """
    Then the answer is 404
    And it is refused as ResourceNotFound

    Examples:
      | entity              | name        |
      | urn:ngsi-ld:House:1 | temperature |
      | urn:ngsi-ld:House:1 | pressure    |
      | urn:ngsi-ld:House:2 | temperature |
