@clause:5.7.4
Feature: Query Temporal Evolution of Entities
  Histories of which something matches within a time.

  Background:
    Given the evolution of "urn:ngsi-ld:House:1"
      """
      {"type": "House", "temperature": [{"type": "Property", "value": 20, "observedAt": "2026-01-01T00:00:00Z"},
                                        {"type": "Property", "value": 30, "observedAt": "2026-01-01T01:00:00Z"}]}
      """
    And the evolution of "urn:ngsi-ld:House:2"
      """
      {"type": "House", "temperature": {"type": "Property", "value": 25, "observedAt": "2026-01-01T00:00:00Z"}}
      """
    And the evolution of "urn:ngsi-ld:Room:1"
      """
      {"type": "Room", "temperature": {"type": "Property", "value": 40, "observedAt": "2026-01-01T00:00:00Z"}}
      """

  Scenario: By type
    When a client recalls evolutions with "type=House&timerel=before&timeAt=2030-01-01T00:00:00Z"
    Then the answer is 200
    And the answer lists "urn:ngsi-ld:House:1 urn:ngsi-ld:House:2" and no other entity

  Scenario: Only those with something in that time
    When a client recalls evolutions with "type=House&timerel=after&timeAt=2026-01-01T00:30:00Z&options=temporalValues"
    Then the answer lists "urn:ngsi-ld:House:1" and no other entity
    And the answer holds
      """
      [{"temperature": {"values": [[30, "2026-01-01T01:00:00Z"]]}}]
      """

  Scenario: A value counts if it was so within the time
    When a client recalls evolutions with "type=House&q=temperature>28&timerel=before&timeAt=2026-01-01T00:30:00Z"
    Then the answer lists no entity
    When a client recalls evolutions with "type=House&q=temperature>28&timerel=before&timeAt=2026-01-01T02:00:00Z"
    Then the answer lists "urn:ngsi-ld:House:1" and no other entity

  Scenario: By body
    When a client recalls evolutions by body
      """
      {"type": "Query", "entities": [{"type": "Room"}], "temporalQ": {"timerel": "before", "timeAt": "2030-01-01T00:00:00Z"}}
      """
    Then the answer is 200
    And the answer lists "urn:ngsi-ld:Room:1" and no other entity

  Scenario: Counted, a page at a time
    When a client recalls evolutions with "type=House&timerel=before&timeAt=2030-01-01T00:00:00Z&limit=1&count=true"
    Then the answer lists "urn:ngsi-ld:House:1" and no other entity
    And the answer has the header NGSILD-Results-Count "2"

  Scenario Outline: Without a time, or for everything, it is refused
    When a client recalls evolutions with "<query>"
    Then the answer is 400
    And it is refused as BadRequestData

    Examples:
      | query                                      |
      | type=House                                 |
      | timerel=before&timeAt=2030-01-01T00:00:00Z |
