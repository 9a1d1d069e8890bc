@clause:5.14.5
Feature: Create EntityMap of a temporal query
  The ids of histories that match within a time.

  Background:
    Given the evolution of "urn:ngsi-ld:House:1"
      """
      {"type": "House", "temperature": {"type": "Property", "value": 20, "observedAt": "2026-01-01T00:00:00Z"}}
      """
    And the evolution of "urn:ngsi-ld:House:2"
      """
      {"type": "House", "temperature": {"type": "Property", "value": 20, "observedAt": "2025-01-01T00:00:00Z"}}
      """

  Scenario: A map lists what matches
    When a client maps evolutions with "type=House&timerel=after&timeAt=2025-06-01T00:00:00Z"
    Then the answer is 201
    And the answer holds
      """
      {"type": "EntityMap", "entityMap": {"urn:ngsi-ld:House:1": ["@none"]}}
      """
    And the answer does not name "urn:ngsi-ld:House:2"

  Scenario: Without a time it is refused
    When a client maps evolutions with "type=House"
    Then the answer is 400
    And it is refused as BadRequestData
